// The writer's side of a log. All of it with writing_ held.
#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <utility>

#include "plugins/store/state.hpp"

namespace rise::store {

namespace {

// A larger batch gives its memory back.
constexpr std::size_t kKeptBatch = 4u << 20u;

std::uint32_t random_mark() {
  std::random_device source;
  return std::max<std::uint32_t>(1, source());
}

}  // namespace

Appended Log::State::append(std::span<const Bytes> payloads) {
  const std::lock_guard writing(writing_);
  Appended appended;
  bool on = true;
  for (const Bytes& payload : payloads) {
    const std::uint64_t bytes = record_bytes(payload.size());
    if (bytes > options_.segment_bytes - kHeaderBytes) {
      appended.outcome = Outcome::TooLarge;
      break;
    }
    const bool fresh = needs_segment(bytes);
    if (!make_room(bytes + (fresh ? kHeaderBytes : 0), &appended)) break;
    if (fresh) {
      on = commit(&appended) && begin_segment(&appended);
      if (!on) break;
    }
    const std::size_t at = batch_.size();
    batch_.resize(at + bytes);
    encode_record(mark_, next_ + batch_records_, now(), payload, &batch_[at]);
    ++batch_records_;
    batch_payload_ += payload.size();
  }
  if (on) (void)commit(&appended);
  const std::uint64_t left = payloads.size() - appended.stored;
  const std::lock_guard books(books_);
  Counters& counters = ledger_->counters;
  if (appended.outcome == Outcome::Failed) counters.failed += left;
  if (appended.outcome == Outcome::Full) counters.refused += left;
  if (appended.outcome == Outcome::TooLarge) ++counters.refused;
  return appended;
}

bool Log::State::needs_segment(std::uint64_t bytes) {
  const std::lock_guard books(books_);
  return file_ == nullptr || retired_ || end_ + batch_.size() + bytes > options_.segment_bytes;
}

bool Log::State::make_room(std::uint64_t bytes, Appended* appended) {
  std::vector<SegmentName> dropped;
  std::uint64_t acknowledged = 0;
  bool fits = false;
  {
    const std::lock_guard books(books_);
    while (true) {
      fits = ledger_->bytes() + batch_.size() + bytes <= options_.max_bytes;
      if (fits || options_.overflow == Overflow::Refuse) break;
      const auto oldest = ledger_->drop_oldest();
      if (!oldest) break;
      dropped.push_back(*oldest);
    }
    acknowledged = ledger_->acknowledged();
  }
  if (!dropped.empty()) {
    remove(dropped, acknowledged);
    appended->outcome = Outcome::DroppedOldest;
  }
  if (!fits) appended->outcome = Outcome::Full;
  return fits;
}

// What is in the batch is written, or will never be there. False: it failed.
bool Log::State::commit(Appended* appended) {
  if (batch_records_ == 0) return true;
  int error = file_->write(end_, batch_);
  bool usable = true;
  if (error == 0 && options_.sync == Sync::Always) {
    error = file_->sync();
    // After that nobody knows what of the file the kernel still means to write.
    usable = error == 0;
  }
  const std::uint64_t records = std::exchange(batch_records_, 0);
  const std::uint64_t payload = std::exchange(batch_payload_, 0);
  const std::uint64_t bytes = batch_.size();
  batch_.clear();
  if (batch_.capacity() > kKeptBatch) batch_ = {};
  if (error != 0) {
    // A part of it may be there. If it cannot be cut off, the next segment begins with the numbers
    // that it has, and no reader takes them from here.
    if (file_->truncate(end_) != 0) usable = false;
    if (!usable) retire();
    appended->outcome = Outcome::Failed;
    appended->error = error;
    return false;
  }
  end_ += bytes;
  next_ += records;
  appended->stored += records;
  appended->last = next_ - 1;
  const std::lock_guard books(books_);
  ledger_->stored(records, payload, bytes, next_ - 1);
  file_dirty_ = options_.sync != Sync::Always;
  return true;
}

bool Log::State::is_retired() {
  const std::lock_guard books(books_);
  return retired_;
}

void Log::State::retire() {
  const std::lock_guard books(books_);
  retired_ = true;
}

bool Log::State::begin_segment(Appended* appended) {
  SegmentHeader header;
  header.mark = random_mark();
  header.created_ns = now();
  // Once more: else a part of what failed could be found whole after a crash.
  if (file_ != nullptr && is_retired()) (void)file_->truncate(end_);
  {
    Lock books(books_);
    if (file_ != nullptr && std::exchange(file_dirty_, false)) {
      // With Never nobody may ever come for it; an open file would keep its room.
      if (options_.sync == Sync::Every) sealed_dirty_.push_back(file_);
    }
    file_.reset();
    ledger_->seal();
    const auto& segments = ledger_->segments();
    // One that could not be written to may have the same number.
    if (!segments.empty() && segments.back().name.first == next_) ++next_;
    header.first = next_;
    // Without segments everything is acknowledged; numbers beyond may have been left out.
    header.after = segments.empty() ? ledger_->acknowledged() : segments.back().last;
    release(std::move(books));
  }
  const SegmentName name{header.first, header.mark};
  std::array<std::uint8_t, kHeaderBytes> head{};
  encode(header, head.data());
  const auto made = disk_->open(text_of(name), Open::Create);
  int error = made.error;
  if (error == 0) error = made.file->write(0, head);
  if (error == 0 && options_.sync == Sync::Always) error = made.file->sync();
  if (error == 0 && options_.sync == Sync::Always) error = disk_->sync_folder();
  if (error != 0) {
    if (made.file != nullptr) (void)disk_->remove(text_of(name));
    appended->outcome = Outcome::Failed;
    appended->error = error;
    return false;
  }
  const std::lock_guard books(books_);
  ledger_->begin(name, header.after);
  file_ = made.file;
  name_ = name;
  mark_ = name.mark;
  end_ = kHeaderBytes;
  retired_ = false;
  folder_dirty_ = true;
  return true;
}

}  // namespace rise::store
