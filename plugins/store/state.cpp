#include "plugins/store/state.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "plugins/text/utc.hpp"

namespace rise::store {

namespace {

constexpr std::size_t kMaxNews = 64;

}  // namespace

Log::State::State(LogOptions options, std::unique_ptr<Disk> disk)
    : options_(std::move(options)), disk_(std::move(disk)) {
  recover();
  if (options_.sync != Sync::Every) return;
  flusher_ = std::jthread([this](const std::stop_token& stop) { flush_every(stop); });
}

Log::State::~State() {
  flusher_ = {};
  if (options_.sync != Sync::Never) (void)sync();
}

void Log::State::recover() {
  position_.emplace(disk_.get());
  Recovered recovered = store::recover(disk_.get(), position_->found());
  // Written with other options.
  if (recovered.file != nullptr && recovered.segments.back().bytes >= options_.segment_bytes) {
    recovered.file.reset();
  }
  if (!position_->trouble().empty()) tell(disk_->path() + ": " + position_->trouble());
  for (const std::string& news : recovered.news) tell(news);
  if (recovered.torn != 0) {
    tell(disk_->path() + ": " + std::to_string(recovered.torn_bytes) +
         " bytes at the end are no whole record and were cut off");
  }
  next_ = recovered.last + 1;
  if (recovered.file != nullptr) {
    file_ = recovered.file;
    name_ = recovered.segments.back().name;
    mark_ = name_.mark;
    end_ = recovered.segments.back().bytes;
  }
  ledger_.emplace(recovered);
  // Who was killed may not have synced them.
  all_dirty_ = folder_dirty_ = position_dirty_ = true;
  if (options_.sync != Sync::Never) (void)sync();
}

std::int64_t Log::State::now() const {
  return options_.clock ? options_.clock() : text::realtime_ns();
}

void Log::State::tell(const std::string& news) {
  const std::lock_guard books(books_);
  // What goes on and on is told once until somebody has read it.
  if (news_.size() >= kMaxNews || std::find(news_.begin(), news_.end(), news) != news_.end()) {
    return;
  }
  news_.push_back(news);
}

void Log::State::tell_unreadable(const SegmentName& name) {
  tell(disk_->path() + "/" + text_of(name) + " cannot be read in places; check the disk");
}

void Log::State::set_aside(const SegmentName& name, int why) {
  const std::string text = text_of(name);
  {
    // While it was looked for it may have been acknowledged or dropped, and removed.
    const std::lock_guard books(books_);
    if (!ledger_->has(name)) return;
  }
  tell(disk_->path() + "/" + text + " cannot be opened: " + std::strerror(why) +
       "; what was in it is passed over");
  if (why == ENOENT || disk_->rename(text, text + ".damaged") != 0) return;
  const std::lock_guard books(books_);
  ++ledger_->counters.set_aside;
}

std::vector<std::string> Log::State::take_news() {
  const std::lock_guard books(books_);
  return std::exchange(news_, {});
}

void Log::State::other_failure(const std::string& what, int error) {
  tell(disk_->path() + ": " + what + ": " + std::strerror(error));
  const std::lock_guard books(books_);
  ++ledger_->counters.other_failures;
}

void Log::State::acknowledge(std::uint64_t up_to) {
  Lock books(books_);
  if (up_to <= ledger_->acknowledged()) return;
  ledger_->acknowledge(up_to);
  release(std::move(books));
}

void Log::State::release(Lock books) {
  const auto names = ledger_->release();
  const std::uint64_t acknowledged = ledger_->acknowledged();
  books.unlock();
  remove(names, acknowledged);
}

// The position first: what was removed without it would be missed at the next start.
void Log::State::remove(const std::vector<SegmentName>& names, std::uint64_t acknowledged) {
  int error = position_->store(acknowledged);
  if (error == 0 && options_.sync == Sync::Always) error = position_->sync();
  if (error != 0)
    other_failure("the position cannot be written; some records may come again", error);
  for (const SegmentName& name : names) {
    const int not_removed = disk_->remove(text_of(name));
    // ENOENT: set aside, or taken by somebody.
    if (not_removed != 0 && not_removed != ENOENT)
      other_failure(text_of(name) + " cannot be removed", not_removed);
  }
  if (options_.sync == Sync::Always && !names.empty()) {
    error = disk_->sync_folder();
    if (error != 0) other_failure("the folder cannot be synced", error);
    return;
  }
  const std::lock_guard books(books_);
  position_dirty_ = true;
  folder_dirty_ = folder_dirty_ || !names.empty();
}

int Log::State::sync() {
  const std::lock_guard flushing(flushing_);
  Lock books(books_);
  auto files = std::exchange(sealed_dirty_, {});
  if (std::exchange(file_dirty_, false) && file_ != nullptr) files.push_back(file_);
  const std::deque<Segment> segments = std::exchange(all_dirty_, options_.sync == Sync::Never)
                                           ? ledger_->segments()
                                           : std::deque<Segment>{};
  const bool folder = std::exchange(folder_dirty_, false);
  const bool position = std::exchange(position_dirty_, false);
  books.unlock();
  for (const Segment& segment : segments) {
    const auto opened = disk_->open(text_of(segment.name), Open::Read);
    if (opened.error == 0) files.push_back(opened.file);
  }
  int first_error = 0;
  for (const auto& file : files) {
    const int error = file->sync();
    if (error == 0) continue;
    first_error = error;
    tell(disk_->path() + ": what was stored last cannot be written to the medium: " +
         std::strerror(error) + "; check the disk");
    books.lock();
    ++ledger_->counters.sync_failures;
    if (file == file_) retired_ = true;
    books.unlock();
  }
  if (folder) {
    if (const int error = disk_->sync_folder(); error != 0) {
      first_error = first_error != 0 ? first_error : error;
      other_failure("the folder cannot be synced", error);
    }
  }
  if (position) {
    if (const int error = position_->sync(); error != 0) {
      first_error = first_error != 0 ? first_error : error;
      other_failure("the position cannot be synced", error);
    }
  }
  return first_error;
}

void Log::State::flush_every(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      Lock books(books_);
      // Nothing wakes it but the end; an append has better things to do.
      due_.wait_for(books, stop, std::chrono::milliseconds(options_.sync_ms), [] { return false; });
    }
    (void)sync();
  }
}

std::optional<Ledger::View> Log::State::locate(const SegmentName& current, bool finished,
                                               std::uint64_t* expected) {
  const std::lock_guard books(books_);
  return ledger_->locate(current, finished, expected);
}

Disk::Opened Log::State::open(const SegmentName& name) {
  {
    const std::lock_guard books(books_);
    if (file_ != nullptr && name_ == name) return {file_, 0};
  }
  return disk_->open(text_of(name), Open::Read);
}

std::optional<bool> Log::State::hand_out(std::uint64_t number, std::uint64_t expected) {
  const std::lock_guard books(books_);
  return ledger_->hand_out(number, expected);
}

void Log::State::missing(std::uint64_t from, std::uint64_t to) {
  Lock books(books_);
  const std::uint64_t before = ledger_->acknowledged();
  ledger_->missing(from, to);
  if (ledger_->acknowledged() != before) release(std::move(books));
}

Status Log::State::status() {
  const std::int64_t age = oldest_age();
  const std::lock_guard books(books_);
  Status status{ledger_->counters, ledger_->depth()};
  status.depth.oldest_ns = status.depth.records == 0 ? 0 : age;
  return status;
}

std::int64_t Log::State::oldest_age() {
  const std::lock_guard probing(probing_);
  bool known = false;
  {
    const std::lock_guard books(books_);
    known = oldest_ > ledger_->acknowledged();
  }
  if (!known) {
    if (!probe_) probe_.emplace(Cursor(this, Cursor::Role::Probe));
    const auto record = probe_->next();
    if (!record) return 0;
    oldest_ = record->number;
    oldest_time_ns_ = record->time_ns;
  }
  return std::max<std::int64_t>(1, now() - oldest_time_ns_);
}

}  // namespace rise::store
