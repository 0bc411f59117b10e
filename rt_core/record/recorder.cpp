#include "rt_core/record/recorder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

#include "rt_core/monotonic.hpp"
#include "rt_core/record/crc32c.hpp"

namespace rise::record {

namespace {

void put_u32(std::uint8_t* out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

void append_varint(std::vector<std::uint8_t>* out, std::uint64_t value) {
  std::uint8_t bytes[kMaxVarintBytes];
  out->insert(out->end(), bytes, bytes + put_varint(bytes, value));
}

void append_u32(std::vector<std::uint8_t>* out, std::uint32_t value) {
  std::uint8_t bytes[4];
  put_u32(bytes, value);
  out->insert(out->end(), bytes, bytes + sizeof bytes);
}

// 0, or errno.
int write_all(int fd, const std::vector<std::uint8_t>& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? EIO : errno;
    at += static_cast<std::size_t>(n);
  }
  return 0;
}

// The recordings of the runs before are what somebody may still want: one of them failed, and
// others may have failed since, as soon as they were started again. -> 0, or errno.
int keep_those_before(const std::string& path) {
  for (int age = Recorder::kKept; age >= 1; --age) {
    const std::string from = age == 1 ? path : path + "." + std::to_string(age - 1);
    const std::string to = path + "." + std::to_string(age);
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) return errno;
  }
  return 0;
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::open(RecorderSpec spec, const shm::Region& region) {
  const auto failed = [&](int error) {
    return Failure{spec.path + " cannot be recorded in: " + std::strerror(error)};
  };
  struct stat info {};
  if (::lstat(spec.path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return Failure{spec.path + " cannot be recorded in: it is no ordinary file"};
  }
  if (const int error = keep_those_before(spec.path); error != 0) return failed(error);
  const int fd =
      ::open(spec.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return failed(errno);
  const std::vector<std::uint8_t> head = encode(spec.head);
  std::unique_ptr<Recorder> recorder(new Recorder(std::move(spec), region, fd));
  if (const int error = write_all(fd, head); error != 0) {
    return Failure{recorder->path() + " cannot be recorded in: " + std::strerror(error)};
  }
  recorder->written_.store(static_cast<std::int64_t>(head.size()), std::memory_order_relaxed);
  return recorder;
}

Recorder::Recorder(RecorderSpec spec, const shm::Region& region, int fd)
    : spec_(std::move(spec)),
      journal_(spec_.journal_bytes),
      tap_(&journal_),
      digest_(region, spec_.head.lane),
      fd_(fd),
      flushed_ns_(monotonic_ns()) {
  block_.reserve(2 * kBlockBytes);
  block_.resize(kBlockPrefixBytes);
}

Recorder::~Recorder() { finish(); }

Result<Done> Recorder::start() {
  if (const int rc = ::pthread_create(&thread_, nullptr, &Recorder::thread, this); rc != 0) {
    return Failure{"no thread for the recorder: " + std::string(std::strerror(rc))};
  }
  started_ = true;
  return Done{};
}

void* Recorder::thread(void* self) {
  ::pthread_setname_np(::pthread_self(), "recorder");
  auto* recorder = static_cast<Recorder*>(self);
  while (!recorder->stop_.load(std::memory_order_relaxed)) {
    recorder->pump();
    const timespec pause{0, kPeriod_ns};
    ::nanosleep(&pause, nullptr);
  }
  return nullptr;
}

void Recorder::pump() {
  if (done_) return;
  // Asked before the journal is emptied: what was committed before it broke is then taken.
  const bool broken = journal_.broken();
  CycleMark mark;
  for (cycle_.clear(); !done_ && journal_.take(&mark, &cycle_); cycle_.clear()) take_cycle(mark);
  if (done_) return;
  if (broken) {
    tell("the recorder did not keep up with the lane; " + spec_.path + " ends there, after " +
         std::to_string(cycles_) + " cycles. Is the disk too slow?");
    end(EndReason::Overflow);
    return;
  }
  if (monotonic_ns() - flushed_ns_ < kFlush_ns) return;
  flush();
  if (!done_) ::fdatasync(fd_);  // on this thread; the journal has room for seconds of it
}

void Recorder::take_cycle(const CycleMark& mark) {
  const std::uint64_t told = digest_.frames() + digest_.events() + digest_.results();
  if (!digest_lost_ && !digest_.advance(mark.frames, mark.events, mark.results)) {
    digest_lost_ = true;
    tell("the recorder fell behind the lane's rings: from cycle " + std::to_string(cycles_ + 1) +
         " on " + spec_.path + " has no digests to compare a replay with");
    cycle_.push_back(static_cast<std::uint8_t>(Kind::DigestLost));
  }
  if (!digest_lost_ && digest_.frames() + digest_.events() + digest_.results() != told) {
    append_told();
  }
  ++cycles_;
  append_varint(&block_, cycle_.size());
  block_.insert(block_.end(), cycle_.begin(), cycle_.end());
  if (block_.size() >= kBlockBytes) flush();
  if (!done_ && bytes_written() + block_.size() + kBlockBytes >=
                    static_cast<std::uint64_t>(spec_.max_bytes)) {
    tell(spec_.path + " has reached its greatest size (record_max_mib) after " +
         std::to_string(cycles_) + " cycles: recording ends, the lane goes on");
    end(EndReason::Full);
  }
}

void Recorder::append_told() {
  cycle_.push_back(static_cast<std::uint8_t>(Kind::Told));
  append_varint(&cycle_, digest_.frames());
  append_varint(&cycle_, digest_.events() + digest_.results());
  append_u32(&cycle_, LaneDigest::fold(digest_.frame_digest()));
  append_u32(&cycle_, LaneDigest::fold(digest_.other_digest()));
}

void Recorder::flush() {
  flushed_ns_ = monotonic_ns();
  if (done_ || block_.size() == kBlockPrefixBytes) return;
  put_u32(block_.data(), kBlockMagic);
  put_u32(block_.data() + 4, static_cast<std::uint32_t>(block_.size() - kBlockPrefixBytes));
  put_u32(block_.data() + 8, block_number_++);
  std::uint32_t crc = crc32c(block_.data() + 4, 8);
  crc = crc32c(block_.data() + kBlockPrefixBytes, block_.size() - kBlockPrefixBytes, crc);
  put_u32(block_.data() + 12, crc);
  if (const int error = write_all(fd_, block_); error != 0) {
    fail(spec_.path + " cannot be written: " + std::strerror(error) + "; recording ends after " +
         std::to_string(bytes_written()) + " bytes, the lane goes on");
    return;
  }
  written_.fetch_add(static_cast<std::int64_t>(block_.size()), std::memory_order_relaxed);
  block_.resize(kBlockPrefixBytes);
}

// A last cycle that holds nothing but the end.
void Recorder::end(EndReason reason) {
  cycle_ = {static_cast<std::uint8_t>(Kind::End), static_cast<std::uint8_t>(reason)};
  append_varint(&cycle_, cycles_);
  append_varint(&block_, cycle_.size());
  block_.insert(block_.end(), cycle_.begin(), cycle_.end());
  flush();
  if (done_) return;
  done_ = true;
  ::fdatasync(fd_);
  ::close(fd_);
}

void Recorder::fail(const std::string& news) {
  tell(news);
  done_ = true;
  // What is there is whole.
  [[maybe_unused]] const int cut = ::ftruncate(fd_, static_cast<off_t>(bytes_written()));
  ::close(fd_);
}

void Recorder::finish() {
  if (started_) {
    stop_.store(true, std::memory_order_relaxed);
    ::pthread_join(thread_, nullptr);
    started_ = false;
  }
  pump();
  if (!done_) end(EndReason::Stopped);
}

void Recorder::tell(const std::string& news) {
  const std::lock_guard<std::mutex> lock(news_lock_);
  news_ = news;
}

std::string Recorder::take_news() {
  const std::lock_guard<std::mutex> lock(news_lock_);
  return std::exchange(news_, {});
}

}  // namespace rise::record
