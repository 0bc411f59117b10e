// Reads the records of one segment in order, and finds its way again behind damage.
//
// Whatever the bytes are: it ends, in a time proportional to them, and never takes more memory than
// the segment is long. Threads: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "plugins/store/disk.hpp"
#include "plugins/store/format.hpp"

namespace rise::store {

struct Found {
  std::uint64_t number = 0;
  std::int64_t time_ns = 0;
  Bytes payload;  // until the next call
};

class Scanner {
 public:
  // From the segment's first record on.
  void begin(std::shared_ptr<const DiskFile> file, const SegmentName& name);
  // The next whole record that ends before `end` (bytes from the file's begin) and has a number
  // from `from` to below `below`. Absent: there is none, and offset() is `end`.
  std::optional<Found> next(std::uint64_t end, std::uint64_t from, std::uint64_t below);
  // Behind what next() returned last. A multiple of 8, so perhaps behind a file that was cut within
  // the zeros that fill the last record up.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  // Pages of this file that the disk would not give; they count as damaged.
  [[nodiscard]] std::uint64_t unreadable_pages() const { return unreadable_pages_; }

 private:
  // Makes the window hold these bytes. False: the file ends before.
  bool fill(std::uint64_t at, std::uint64_t bytes, std::uint64_t end);
  std::int64_t read_by_pages(std::uint64_t at, std::span<std::uint8_t> into);
  [[nodiscard]] const std::uint8_t* window(std::uint64_t at) const {
    return buffer_.data() + (at - window_at_);
  }

  std::shared_ptr<const DiskFile> file_;
  SegmentName name_;
  std::uint64_t offset_ = kHeaderBytes;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t window_at_ = 0;
  std::uint64_t window_bytes_ = 0;
  std::uint64_t unreadable_pages_ = 0;
};

}  // namespace rise::store
