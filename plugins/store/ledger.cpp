#include "plugins/store/ledger.hpp"

#include <algorithm>

namespace rise::store {

Ledger::Ledger(const Recovered& recovered)
    : segments_(recovered.segments),
      active_(recovered.file != nullptr),
      last_(recovered.last),
      acknowledged_(recovered.acknowledged),
      handed_out_(recovered.last) {
  for (const Segment& segment : segments_) bytes_ += segment.bytes;
  counters.torn = recovered.torn;
  counters.torn_bytes = recovered.torn_bytes;
  counters.set_aside = recovered.set_aside;
  counters.damaged_headers = recovered.damaged_headers;
}

void Ledger::begin(const SegmentName& name, std::uint64_t after) {
  segments_.push_back({name, after, name.first - 1, kHeaderBytes});
  bytes_ += kHeaderBytes;
  active_ = true;
}

void Ledger::stored(std::uint64_t records, std::uint64_t payload_bytes, std::uint64_t file_bytes,
                    std::uint64_t last) {
  Segment& segment = segments_.back();
  segment.bytes += file_bytes;
  segment.last = last_ = last;
  bytes_ += file_bytes;
  counters.appended += records;
  counters.appended_bytes += payload_bytes;
}

std::optional<SegmentName> Ledger::drop_oldest() {
  if (segments_.size() <= (active_ ? 1u : 0u)) return std::nullopt;
  const Segment segment = segments_.front();
  segments_.pop_front();
  bytes_ -= segment.bytes;
  const std::uint64_t before = std::max(segment.name.first - 1, acknowledged_);
  if (segment.last > before) counters.dropped_oldest += segment.last - before;
  acknowledge(segment.last);
  return segment.name;
}

std::optional<Ledger::View> Ledger::locate(const SegmentName& current, bool finished,
                                           std::uint64_t* expected) const {
  *expected = std::max(*expected, acknowledged_ + 1);
  auto at = std::lower_bound(
      segments_.begin(), segments_.end(), current.first,
      [](const Segment& segment, std::uint64_t first) { return segment.name.first < first; });
  if (at != segments_.end() && at->name == current && finished) ++at;
  if (at == segments_.end()) return std::nullopt;
  const bool active = active_ && &*at == &segments_.back();
  return View{at->name, at->after, at->bytes, at->last, active};
}

std::optional<bool> Ledger::hand_out(std::uint64_t number, std::uint64_t expected) {
  if (number <= acknowledged_) return std::nullopt;
  if (number > expected) missing(expected, number - 1);
  const bool again = number <= handed_out_;
  handed_out_ = std::max(handed_out_, number);
  ++counters.handed_out;
  if (again) ++counters.redelivered;
  return again;
}

void Ledger::missing(std::uint64_t from, std::uint64_t to) {
  from = std::max({from, acknowledged_ + 1, missed_ + 1});
  if (from > to) return;
  counters.damaged += to - from + 1;
  missed_ = to;
  if (gaps_.size() < kMaxGaps) gaps_.push_back({from, to});
  settle();
}

void Ledger::acknowledge(std::uint64_t up_to) {
  acknowledged_ = std::max(acknowledged_, std::min(up_to, last_));
  settle();
}

void Ledger::settle() {
  while (!gaps_.empty() && gaps_.front().from <= acknowledged_ + 1) {
    acknowledged_ = std::max(acknowledged_, gaps_.front().to);
    gaps_.pop_front();
  }
}

std::vector<SegmentName> Ledger::release() {
  std::vector<SegmentName> names;
  while (segments_.size() > (active_ ? 1u : 0u) && segments_.front().last <= acknowledged_) {
    names.push_back(segments_.front().name);
    bytes_ -= segments_.front().bytes;
    segments_.pop_front();
  }
  return names;
}

bool Ledger::has(const SegmentName& name) const {
  return std::any_of(segments_.begin(), segments_.end(),
                     [&](const Segment& segment) { return segment.name == name; });
}

Depth Ledger::depth() const {
  Depth depth;
  depth.bytes = bytes_;
  depth.segments = segments_.size();
  for (const Segment& segment : segments_) {
    const std::uint64_t before = std::max(segment.name.first - 1, acknowledged_);
    if (segment.last > before) depth.records += segment.last - before;
  }
  return depth;
}

}  // namespace rise::store
