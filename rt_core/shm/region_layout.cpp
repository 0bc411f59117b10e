#include "rt_core/shm/region_layout.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>

#include "rise_generated.h"
#include "rt_core/shm/process.hpp"
#include "rt_core/shm/region_owner.hpp"
#include "schema_hash.hpp"

namespace rise::shm {

namespace {

template <class T>
constexpr std::size_t words_of() {
  static_assert(sizeof(T) % sizeof(Word) == 0);
  return sizeof(T) / sizeof(Word);
}

}  // namespace

Layout::Layout() : end_(round_up(sizeof(RegionHeader), kSectionAlign)) {}

void Layout::add(SectionKind kind, std::uint32_t lane, std::size_t bytes, std::size_t count,
                 std::size_t element_words) {
  sections_.push_back({kind, lane, end_, bytes, count, element_words});
  end_ += round_up(bytes, kSectionAlign);
}

template <class T>
void Layout::add_table(SectionKind kind, std::size_t count) {
  add(kind, 0, count * sizeof(T), count, words_of<T>());
}

template <class T>
void Layout::add_cells(SectionKind kind, std::size_t count) {
  const std::size_t words = StampedCell<Hardware>::words(words_of<T>());
  add(kind, 0, count * words * sizeof(Word), count, words_of<T>());
}

void Layout::add_ring(SectionKind kind, std::uint32_t lane, std::size_t frames,
                      std::size_t payload_words) {
  const RingShape shape{std::bit_ceil(std::max<std::size_t>(frames, 2)), payload_words};
  add(kind, lane, shape.total_words() * sizeof(Word), shape.capacity, payload_words);
}

void Layout::add_spsc(SectionKind kind, std::uint32_t lane, std::size_t items,
                      std::size_t payload_words) {
  const RingShape shape{std::bit_ceil(std::max<std::size_t>(items, 2)), payload_words};
  add(kind, lane, spsc_total_words(shape) * sizeof(Word), shape.capacity, payload_words);
}

Layout Layout::of_out(const RegionPlan& plan) {
  Layout layout;
  layout.add_table<message::CoreHealth>(SectionKind::Lanes, plan.lanes.size());
  layout.add_table<message::MachineEntry>(SectionKind::Machines, plan.machines);
  layout.add_table<message::DriverHealth>(SectionKind::Drivers, plan.machines);
  layout.add_table<message::SignalEntry>(SectionKind::Signals, plan.signals);
  layout.add_table<message::OutputEntry>(SectionKind::Outputs, plan.outputs);
  layout.add_cells<message::MachineState>(SectionKind::States, plan.machines);
  layout.add_cells<message::TextState>(SectionKind::Texts, plan.texts);
  layout.add_cells<message::TelemetryFrame>(SectionKind::Frames, plan.pages);
  for (std::uint32_t i = 0; i < plan.lanes.size(); ++i) {
    const LanePlan& lane = plan.lanes[i];
    layout.add_ring(SectionKind::Telemetry, i, lane.telemetry_frames,
                    words_of<message::TelemetryFrame>());
    layout.add_ring(SectionKind::Events, i, lane.events, words_of<message::MachineEvent>());
    layout.add_ring(SectionKind::Results, i, lane.results, words_of<message::CommandResult>());
    layout.add_ring(SectionKind::Flight, i, lane.flight_records, lane.flight_record_words);
    layout.add_ring(SectionKind::Late, i, lane.late_records, lane.flight_record_words);
  }
  return layout;
}

Layout Layout::of_in(const RegionPlan& plan) {
  Layout layout;
  layout.add_table<ControlBlock>(SectionKind::Control, 1);  // first: see kControlOffset
  layout.add_table<ReaderSlot>(SectionKind::Readers, kMaxReaders);
  for (std::uint32_t i = 0; i < plan.lanes.size(); ++i) {
    layout.add_spsc(SectionKind::Commands, i, plan.lanes[i].commands, words_of<message::Command>());
  }
  return layout;
}

void Layout::write_header(RegionHeader* header, std::uint64_t magic, std::size_t lanes,
                          const std::string& out_path) const {
  const ProcessId me = self();
  header->version = kRegionVersion;
  header->header_bytes = sizeof(RegionHeader);
  header->schema_hash = message::kSchemaHash;
  header->total_bytes = end_;
  header->core_start_time = me.start_time;
  header->core_pid = me.pid;
  header->state = static_cast<std::uint32_t>(RegionState::Starting);
  header->lane_count = static_cast<std::uint32_t>(lanes);
  header->section_count = static_cast<std::uint32_t>(sections_.size());
  std::snprintf(header->out_path, sizeof header->out_path, "%s", out_path.c_str());
  std::copy(sections_.begin(), sections_.end(), header->sections);
  // Release: everything above is complete for whoever sees the magic.
  std::atomic_ref<std::uint64_t>(header->magic).store(magic, std::memory_order_release);
}

bool section_fits(const Section& section, std::size_t total) {
  if (section.offset % kSectionAlign != 0 || section.offset < sizeof(RegionHeader)) return false;
  if (section.bytes > total || section.offset > total - section.bytes) return false;
  if (section.element_words == 0 || section.element_words > (1u << 20)) return false;
  if (section.count > total) return false;
  const auto kind = section.kind;
  const RingShape shape{section.count, section.element_words};
  if (kind >= SectionKind::Telemetry && kind <= SectionKind::Late) {
    return shape.valid() && shape.total_words() * sizeof(Word) <= section.bytes;
  }
  if (kind == SectionKind::Commands) {
    return shape.valid() && spsc_total_words(shape) * sizeof(Word) <= section.bytes;
  }
  const bool cells =
      kind == SectionKind::States || kind == SectionKind::Texts || kind == SectionKind::Frames;
  return section.count * (section.element_words + (cells ? 1 : 0)) * sizeof(Word) <= section.bytes;
}

}  // namespace rise::shm
