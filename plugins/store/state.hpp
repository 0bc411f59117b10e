// What a Log consists of: the books, the segment that is being written, and the locks between them.
//
// Locks, in the order in which they may be taken:
//   writing_   one append at a time, with its write and sync; owns the segment that is written
//   probing_   the search for the age of the oldest
//   flushing_  one sync at a time
//   books_     the ledger; held for moments, never during a call to the disk
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "plugins/store/cursor.hpp"
#include "plugins/store/ledger.hpp"
#include "plugins/store/log.hpp"
#include "plugins/store/position.hpp"

namespace rise::store {

class Log::State {
 public:
  State(LogOptions options, std::unique_ptr<Disk> disk);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // ---- for the log
  Appended append(std::span<const Bytes> payloads);
  void acknowledge(std::uint64_t up_to);
  int sync();
  Status status();
  std::vector<std::string> take_news();
  [[nodiscard]] const LogOptions& options() const { return options_; }

  // ---- for cursors
  std::optional<Ledger::View> locate(const SegmentName& current, bool finished,
                                     std::uint64_t* expected);
  // Of the active segment the file that it is written by.
  Disk::Opened open(const SegmentName& name);
  std::optional<bool> hand_out(std::uint64_t number, std::uint64_t expected);
  void missing(std::uint64_t from, std::uint64_t to);
  void tell(const std::string& news);
  void tell_unreadable(const SegmentName& name);
  // It cannot be opened. What is in it is lost to the log, but perhaps not to its owner.
  void set_aside(const SegmentName& name, int why);

 private:
  using Lock = std::unique_lock<std::mutex>;

  [[nodiscard]] bool needs_segment(std::uint64_t bytes);
  bool make_room(std::uint64_t bytes, Appended* appended);
  bool begin_segment(Appended* appended);
  bool commit(Appended* appended);
  [[nodiscard]] bool is_retired();
  void retire();

  void recover();
  std::int64_t now() const;
  std::int64_t oldest_age();
  // Removes what is no longer needed and notes up to where it is not. Gives up the lock.
  void release(Lock books);
  void remove(const std::vector<SegmentName>& names, std::uint64_t acknowledged);
  void flush_every(const std::stop_token& stop);
  void other_failure(const std::string& what, int error);

  LogOptions options_;
  std::unique_ptr<Disk> disk_;
  std::optional<Position> position_;

  std::mutex writing_;
  std::vector<std::uint8_t> batch_;  // encoded, not written
  std::uint64_t batch_records_ = 0;
  std::uint64_t batch_payload_ = 0;
  std::uint64_t next_ = 1;  // number
  std::uint64_t end_ = 0;   // of the active segment
  std::uint32_t mark_ = 0;

  std::mutex books_;
  std::optional<Ledger> ledger_;
  std::shared_ptr<DiskFile> file_;  // active; replaced with writing_ held, too. Null: none
  SegmentName name_;                // of file_
  bool retired_ = false;            // the active segment is not to be written to any more
  std::vector<std::string> news_;

  // What a sync is due for; of books_.
  bool file_dirty_ = false;
  bool all_dirty_ = false;  // the sealed segments, too
  bool folder_dirty_ = false;
  bool position_dirty_ = false;
  std::vector<std::shared_ptr<DiskFile>> sealed_dirty_;

  std::mutex flushing_;

  std::mutex probing_;
  std::optional<Cursor> probe_;
  std::uint64_t oldest_ =
      0;  // number of the oldest that was not acknowledged when it was looked for
  std::int64_t oldest_time_ns_ = 0;

  std::condition_variable_any due_;
  std::jthread flusher_;  // Sync::Every
};

}  // namespace rise::store
