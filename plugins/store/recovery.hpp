// Makes sense of what is in a log's folder, whatever that is. Content is never a reason to fail:
// what is damaged is passed over, what is torn at the end is cut off, what is not ours is left
// alone.
//
// Reads the head of each segment and the whole of the last one; damage within the others is found
// when they are read. So it takes as long for many segments as for few, but for their number.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/store/disk.hpp"
#include "plugins/store/format.hpp"

namespace rise::store {

struct Segment {
  SegmentName name;
  std::uint64_t after = 0;  // number of the last record before it, wherever that is; < name.first
  std::uint64_t last = 0;   // number of its last record, readable or not; name.first - 1: none
  std::uint64_t bytes = 0;  // up to the end of its last record
};

struct Recovered {
  std::deque<Segment>
      segments;  // with unacknowledged records, oldest first; and the one to go on in
  // The last segment, to go on in. Null: a new one is due.
  std::shared_ptr<DiskFile> file;
  std::uint64_t last = 0;  // number of the last record, or more: no number is given twice
  std::uint64_t acknowledged = 0;
  std::uint64_t torn = 0;        // segments that ended in something that is no record; 0 or 1
  std::uint64_t torn_bytes = 0;  // of that
  std::uint64_t set_aside = 0;   // renamed to NAME.damaged
  std::uint64_t damaged_headers = 0;
  std::vector<std::string> news;  // sentences
};

// `position`: up to where it is acknowledged, if that is known. Throws std::runtime_error if the
// folder cannot be listed.
Recovered recover(Disk* disk, std::optional<std::uint64_t> position);

}  // namespace rise::store
