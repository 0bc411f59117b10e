#include "drivers/replay/recording.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "rise_generated.h"
#include "rt_core/record/crc32c.hpp"

namespace rise::replay {

using record::Kind;

namespace {

std::uint32_t get_u32(const std::uint8_t* at) {
  return std::uint32_t{at[0]} | std::uint32_t{at[1]} << 8 | std::uint32_t{at[2]} << 16 |
         std::uint32_t{at[3]} << 24;
}

// Takes numbers and bytes off the front. Past the end everything is 0 and empty, and good() false.
class Taker {
 public:
  explicit Taker(Bytes bytes) : left_(bytes) {}
  std::uint8_t byte() {
    if (left_.empty()) return fail();
    const std::uint8_t value = left_.front();
    left_ = left_.subspan(1);
    return value;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t one = byte();
      value |= std::uint64_t{one & 0x7fu} << shift;
      if ((one & 0x80) == 0) return value;
    }
    return fail();
  }
  std::int64_t whole() { return record::unzigzag(number()); }
  // A number that must fit.
  template <class T>
  T narrow() {
    const std::uint64_t value = number();
    if (value > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) return T{fail()};
    return static_cast<T>(value);
  }
  // Stream and port numbers, and answers: 32 bits with a sign.
  std::int32_t id() { return static_cast<std::int32_t>(narrow<std::uint32_t>()); }
  std::int32_t answer() {
    const std::int64_t value = whole();
    if (value < INT32_MIN || value > INT32_MAX) return fail();
    return static_cast<std::int32_t>(value);
  }
  std::uint32_t u32() {
    if (left_.size() < 4) return fail();
    const std::uint32_t value = get_u32(left_.data());
    left_ = left_.subspan(4);
    return value;
  }
  Bytes bytes() { return bytes(number()); }
  Bytes bytes(std::uint64_t length) {
    if (length > left_.size()) {
      fail();
      return {};
    }
    const Bytes taken = left_.first(length);
    left_ = left_.subspan(length);
    return taken;
  }
  [[nodiscard]] bool empty() const { return left_.empty(); }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] Bytes left() const { return left_; }

 private:
  std::uint8_t fail() {
    good_ = false;
    left_ = {};
    return 0;
  }
  Bytes left_;
  bool good_ = true;
};

Inward take_inward(Kind kind, std::int64_t exchange_ns, Taker* taker) {
  Inward in;
  in.kind = kind;
  in.owner = taker->narrow<std::uint32_t>();
  in.number = taker->id();
  in.now_ns = record::sum(exchange_ns, taker->whole());
  if (kind == Kind::Closed) in.reason = taker->answer();
  if (kind == Kind::Datagram) {
    in.address = taker->narrow<std::uint32_t>();
    in.port = taker->narrow<std::uint16_t>();
  }
  if (kind == Kind::Bytes || kind == Kind::Datagram) in.bytes = taker->bytes();
  return in;
}

Outward take_outward(Kind kind, Taker* taker) {
  Outward out;
  out.kind = kind;
  if (kind == Kind::Open) {
    out.owner = taker->narrow<std::uint32_t>();
    out.port = taker->narrow<std::uint16_t>();
    out.timeout_ms = taker->narrow<std::uint32_t>();
    out.answer = taker->answer();
    out.bytes = taker->bytes();
    return out;
  }
  out.number = taker->id();
  if (kind == Kind::DatagramSend) {
    out.address = taker->narrow<std::uint32_t>();
    out.port = taker->narrow<std::uint16_t>();
  }
  out.answer = taker->answer();
  if (kind != Kind::Close) out.bytes = taker->bytes();
  return out;
}

}  // namespace

Result<Recording> Recording::open(const std::string& path) {
  const auto failed = [&](int error) {
    return Failure{path + " cannot be read: " + std::strerror(error)};
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed(errno);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) {
    ::close(fd);
    return Failure{path + " is no recording"};
  }
  const auto length = static_cast<std::size_t>(info.st_size);
  // A copy in memory would be safer against a file that shrinks, but recordings are long.
  void* mapping = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  ::close(fd);
  if (mapping == MAP_FAILED) return failed(error);
  Result<Recording> parsed = parse({static_cast<const std::uint8_t*>(mapping), length});
  if (!parsed) {
    ::munmap(mapping, length);
    return Failure{path + " " + parsed.error()};
  }
  parsed->mapping_ = mapping;
  return parsed;
}

Result<Recording> Recording::parse(Bytes bytes) {
  Recording recording;
  recording.bytes_ = bytes;
  std::size_t used = 0;
  Result<record::Head> head = record::decode_head(bytes.data(), bytes.size(), &used);
  if (!head) return Failure{head.error()};
  recording.head_ = std::move(*head);
  if (Result<Done> checked = recording.check_blocks(used); !checked) {
    return Failure{checked.error()};
  }
  return recording;
}

Recording::Recording(Recording&& other) noexcept { *this = std::move(other); }

Recording& Recording::operator=(Recording&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(mapping_, other.mapping_);
  std::swap(head_, other.head_);
  std::swap(cut_, other.cut_);
  std::swap(blocks_, other.blocks_);
  std::swap(block_, other.block_);
  std::swap(rest_, other.rest_);
  std::swap(cycles_, other.cycles_);
  std::swap(last_ns_, other.last_ns_);
  std::swap(utc_offset_ns_, other.utc_offset_ns_);
  std::swap(words_, other.words_);
  std::swap(fault_, other.fault_);
  return *this;
}

Recording::~Recording() {
  if (mapping_ != nullptr) ::munmap(mapping_, bytes_.size());
}

Result<Done> Recording::check_blocks(std::size_t from) {
  for (std::size_t at = from; at < bytes_.size();) {
    const std::size_t left = bytes_.size() - at;
    const auto damaged = [&](const std::string& how) {
      return Failure{"is damaged: " + how + " at byte " + std::to_string(at) +
                     ". What comes before is whole; of a copy cut there (truncate -s " +
                     std::to_string(at) + " COPY) that much can be played"};
    };
    if (left < record::kBlockPrefixBytes) {
      cut_ = true;
      break;
    }
    const std::uint8_t* prefix = bytes_.data() + at;
    const std::size_t length = get_u32(prefix + 4);
    if (get_u32(prefix) != record::kBlockMagic) return damaged("there is no block");
    if (length > record::kMaxBlockBytes) return damaged("there is a block of impossible length");
    if (get_u32(prefix + 8) != blocks_.size()) return damaged("a block is missing");
    if (length > left - record::kBlockPrefixBytes) {
      cut_ = true;
      break;
    }
    const std::uint8_t* content = prefix + record::kBlockPrefixBytes;
    const std::uint32_t crc = record::crc32c(content, length, record::crc32c(prefix + 4, 8));
    if (crc != get_u32(prefix + 12)) return damaged("a block has the wrong check sum");
    blocks_.emplace_back(content, length);
    at += record::kBlockPrefixBytes + length;
  }
  if (!blocks_.empty()) rest_ = blocks_.front();
  return Done{};
}

Recording::Next Recording::next(Cycle* cycle) {
  while (rest_.empty()) {
    if (block_ + 1 >= blocks_.size()) return Next::End;
    rest_ = blocks_[++block_];
  }
  Taker taker(rest_);
  const Bytes records = taker.bytes();
  rest_ = taker.left();
  if (taker.good() && decode(records, cycle)) return Next::Cycle;
  if (fault_.empty()) fault_ = "its records make no sense";
  fault_ += ", in cycle " + std::to_string(cycles_);
  rest_ = {};
  block_ = blocks_.size();
  return Next::Nonsense;
}

bool Recording::decode(Bytes records, Cycle* cycle) {
  *cycle = Cycle{};
  cycle->number = cycles_;
  std::int64_t exchange_ns = 0;
  bool has_time = false;
  Taker taker(records);
  while (!taker.empty()) {
    const std::uint8_t first = taker.byte();
    if (first >= record::kShortStamp) {
      last_ns_ = record::sum(last_ns_, (first & 0x7f) << 8 | taker.byte());
      cycle->stamps.push_back(last_ns_);
      continue;
    }
    const auto kind = static_cast<Kind>(first);
    switch (kind) {
      case Kind::Now:
      case Kind::Wake:
        last_ns_ = record::sum(last_ns_, taker.whole());
        cycle->now_ns = last_ns_;
        has_time = true;
        break;
      case Kind::Stamp:
        last_ns_ = record::sum(last_ns_, taker.whole());
        cycle->stamps.push_back(last_ns_);
        break;
      case Kind::UtcOffset: utc_offset_ns_ = record::sum(utc_offset_ns_, taker.whole()); break;
      case Kind::Words: {
        words_.stop_word = taker.number();
        words_.heartbeat_ns += static_cast<std::uint64_t>(taker.whole());
        const std::uint8_t flags = taker.byte();
        words_.input_lost = (flags & 1) != 0;
        words_.stop = (flags & 2) != 0;
        break;
      }
      case Kind::Command:
        cycle->commands.push_back(taker.bytes());
        if (cycle->commands.back().size() != sizeof(message::Command)) return false;
        break;
      case Kind::CommandCorrupt: cycle->commands.emplace_back(); break;
      case Kind::Notice: {
        Notice notice;
        notice.machine = taker.narrow<std::uint16_t>();
        const Bytes text = taker.bytes();
        notice.text.assign(reinterpret_cast<const char*>(text.data()), text.size());
        cycle->notices.push_back(std::move(notice));
        break;
      }
      case Kind::Seat: cycle->seats.push_back(taker.narrow<std::uint16_t>()); break;
      case Kind::Streams: exchange_ns = record::sum(last_ns_, taker.whole()); break;
      case Kind::Datagrams: {
        exchange_ns = record::sum(last_ns_, taker.whole());
        Inward mark;
        mark.kind = Kind::Datagrams;
        cycle->inward.push_back(mark);
        break;
      }
      case Kind::Opened:
      case Kind::Bytes:
      case Kind::Closed:
      case Kind::Datagram: cycle->inward.push_back(take_inward(kind, exchange_ns, &taker)); break;
      case Kind::Open:
      case Kind::Send:
      case Kind::Close:
      case Kind::DatagramSend: cycle->outward.push_back(take_outward(kind, &taker)); break;
      case Kind::Told:
        cycle->has_told = true;
        cycle->told.frames = taker.number();
        cycle->told.others = taker.number();
        cycle->told.frame_digest = taker.u32();
        cycle->told.other_digest = taker.u32();
        break;
      case Kind::DigestLost: cycle->digest_lost = true; break;
      case Kind::End:
        cycle->is_end = true;
        cycle->end = static_cast<record::EndReason>(taker.byte());
        if (taker.number() != cycles_) return false;
        break;
      default: return false;
    }
  }
  if (!taker.good() || has_time == cycle->is_end) return false;
  cycle->utc_offset_ns = utc_offset_ns_;
  cycle->words = words_;
  if (!cycle->is_end) ++cycles_;
  return true;
}

}  // namespace rise::replay
