#include "rt_core/shm/outlet.hpp"

#include <algorithm>

#include "rt_core/message/text.hpp"

namespace rise::shm {

Outlet::Outlet(const Region& region, std::uint32_t lane)
    : region_(&region),
      lane_(lane),
      telemetry_(region, SectionKind::Telemetry, lane),
      events_(region, SectionKind::Events, lane),
      results_(region, SectionKind::Results, lane) {
  find_slow_pages();
}

// From the region's directory, which is complete before there are outlets.
void Outlet::find_slow_pages() {
  for (const message::MachineEntry& machine :
       region_->table<message::MachineEntry>(SectionKind::Machines)) {
    first_page_.push_back(static_cast<std::uint32_t>(slow_.size()));
    slow_.resize(slow_.size() + machine.page_count());
  }
  for (const message::SignalEntry& signal :
       region_->table<message::SignalEntry>(SectionKind::Signals)) {
    if (signal.type() == message::SignalType::Text || signal.machine() >= first_page_.size())
      continue;
    const std::size_t cell = first_page_[signal.machine()] + signal.page();
    if (cell < slow_.size() && signal.period_ns() > kSlowPeriodNs) slow_[cell] = 1;
  }
}

void Outlet::begin_cycle(std::uint64_t cycle, std::int64_t now_ns, std::int64_t utc_offset_ns) {
  if (refilled_ns_ == 0) refilled_ns_ = now_ns;
  tokens_ = std::min<double>(
      kEventBurst + kErrorReserve,
      tokens_ + static_cast<double>(now_ns - refilled_ns_) * 1e-9 * kEventsPerSecond);
  refilled_ns_ = now_ns;
  cycle_ = cycle;
  now_ns_ = now_ns;
  utc_offset_ns_ = utc_offset_ns;
}

void Outlet::frame(message::TelemetryFrame* frame) {
  frame->mutate_cycle(cycle_);
  frame->mutate_publish_mono_ns(now_ns_);
  frame->mutate_sample_utc_ns(frame->sample_mono_ns() + utc_offset_ns_);
  telemetry_.write(*frame);
  if (frame->machine() >= first_page_.size()) return;
  const std::size_t cell = first_page_[frame->machine()] + frame->page();
  if (cell < slow_.size() && slow_[cell] != 0) snapshot(SectionKind::Frames, cell, *frame);
}

void Outlet::event(const Event& event) {
  if (event.kind == message::EventKind::Safety &&
      event.code == static_cast<std::int32_t>(message::SafetyState::Tripped)) {
    ++trips_;  // counted, whether it can be told or not
  }
  // The alarms of a device are errors of its own, and it may have many.
  const bool reserved =
      event.severity == message::Severity::Error && event.kind != message::EventKind::AlarmOn;
  if (tokens_ < (reserved ? 1 : 1 + kErrorReserve)) {
    ++dropped_;
    return;
  }
  tokens_ -= 1;
  if (dropped_ != dropped_told_) {
    Event lost;
    lost.kind = message::EventKind::EventsLost;
    lost.severity = message::Severity::Warning;
    lost.code =
        static_cast<std::int32_t>(std::min<std::uint64_t>(dropped_ - dropped_told_, INT32_MAX));
    dropped_told_ = dropped_;
    write_event(lost);
  }
  write_event(event);
}

void Outlet::write_event(const Event& event) {
  message::MachineEvent out;
  out.mutate_sequence(events_.published() + 1);
  out.mutate_mono_ns(now_ns_);
  out.mutate_utc_ns(now_ns_ + utc_offset_ns_);
  out.mutate_cycle(cycle_);
  out.mutate_value(event.value);
  out.mutate_code(event.code);
  out.mutate_detail(event.detail);
  out.mutate_machine(event.machine);
  out.mutate_lane(static_cast<std::uint16_t>(lane_));
  out.mutate_kind(event.kind);
  out.mutate_severity(event.severity);
  out.mutate_path(event.path);
  out.mutate_text_length(
      static_cast<std::uint16_t>(message::set_text(out.mutable_text(), event.text)));
  events_.write(out);
}

void Outlet::result(message::CommandResult* result) {
  result->mutate_mono_ns(now_ns_);
  result->mutate_utc_ns(now_ns_ + utc_offset_ns_);
  result->mutate_lane(static_cast<std::uint16_t>(lane_));
  if (result->outcome() == message::Outcome::Refused ||
      result->outcome() == message::Outcome::Expired) {
    ++refused_;
  }
  results_.write(*result);
}

template <class Message>
void Outlet::snapshot(SectionKind kind, std::size_t index, const Message& message) {
  std::size_t words = 0;
  Word* cell = region_->cell(kind, index, &words);
  if (cell == nullptr || words != sizeof(Message) / sizeof(Word)) return;
  Word payload[sizeof(Message) / sizeof(Word)];
  std::memcpy(payload, &message, sizeof message);
  StampedCell<Hardware>::write(cell, (StampedCell<Hardware>::stamp(cell) & ~Word{1}) + 2, payload,
                               words);
}

void Outlet::state(std::uint16_t machine, const message::MachineState& state) {
  snapshot(SectionKind::States, machine, state);
}

void Outlet::text(std::uint16_t slot, std::string_view text, bool valid) {
  message::TextState out;
  out.mutate_mono_ns(now_ns_);
  out.mutate_valid(valid ? 1 : 0);
  out.mutate_length(static_cast<std::uint16_t>(message::set_text(out.mutable_text(), text)));
  snapshot(SectionKind::Texts, slot, out);
}

}  // namespace rise::shm
