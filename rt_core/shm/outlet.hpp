// Everything that a lane tells the world: telemetry frames, events, command results, and the
// snapshots of what frames do not carry. Lane thread only; nothing here blocks, allocates or makes
// a system call.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "rise_generated.h"
#include "rt_core/shm/region.hpp"

namespace rise::shm {

// Writes one message type into its broadcast ring.
template <class Message>
class RingWriter {
 public:
  RingWriter() = default;
  RingWriter(const Region& region, SectionKind kind, std::uint32_t lane) {
    RingShape shape;
    Word* memory = region.ring(kind, lane, &shape);
    ring_ = BroadcastWriter<>(memory, shape);
  }
  void write(const Message& message) {
    static_assert(sizeof(Message) % sizeof(Word) == 0);
    Word words[sizeof(Message) / sizeof(Word)];
    std::memcpy(words, &message, sizeof message);
    ring_.publish(words);
  }
  [[nodiscard]] Word published() const { return ring_.published(); }

 private:
  BroadcastWriter<> ring_;
};

struct Event {
  message::EventKind kind = message::EventKind::None;
  message::Severity severity = message::Severity::Info;
  std::uint16_t machine = kWholeLane;
  std::int32_t code = 0;
  std::int32_t detail = 0;
  double value = 0;
  std::uint16_t path = 0;  // of the machine, from 1; 0: of none or all
  std::string_view text;   // cut at 128 bytes
};

class Outlet {
 public:
  Outlet() = default;
  Outlet(const Region& region, std::uint32_t lane);

  // Once per cycle, before anything else: the time that everything told in this cycle bears.
  void begin_cycle(std::uint64_t cycle, std::int64_t now_ns, std::int64_t utc_offset_ns);

  // sequence, page, machine, values and sample time are the caller's; cycle and publish time are
  // set here. Of a slow group it is kept beside the ring, too: see kSlowPeriodNs.
  void frame(message::TelemetryFrame* frame);
  // Dropped and counted beyond kEventsPerSecond; the first event that passes again is preceded by
  // an EventsLost with the number. Errors of the core have a reserve that nothing else can use
  // up, nor the alarms of a machine: whoever floods the events must not hide a trip.
  void event(const Event& event);
  void result(message::CommandResult* result);
  void state(std::uint16_t machine, const message::MachineState& state);
  void text(std::uint16_t slot, std::string_view text, bool valid);

  [[nodiscard]] std::uint64_t frames() const { return telemetry_.published(); }
  [[nodiscard]] std::uint64_t events() const { return events_.published(); }
  [[nodiscard]] std::uint64_t results() const { return results_.published(); }
  [[nodiscard]] std::uint64_t events_dropped() const { return dropped_; }
  // Machines that tripped; commands that were refused or expired: whoever in the lane told it.
  [[nodiscard]] std::uint64_t trips() const { return trips_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  [[nodiscard]] std::int64_t now_ns() const { return now_ns_; }

  static constexpr std::uint32_t kEventsPerSecond = 1000;
  static constexpr std::uint32_t kEventBurst = 512;
  static constexpr std::uint32_t kErrorReserve = 128;
  // The telemetry ring keeps a second of the planned rate or more, so of a group that is sampled
  // more often than this it always holds a frame. Of the others a reader that comes new might find
  // none: their latest one is in SectionKind::Frames.
  static constexpr std::int64_t kSlowPeriodNs = 500'000'000;

 private:
  void find_slow_pages();
  void write_event(const Event& event);
  template <class Message>
  void snapshot(SectionKind kind, std::size_t index, const Message& message);

  const Region* region_ = nullptr;
  std::uint32_t lane_ = 0;
  RingWriter<message::TelemetryFrame> telemetry_;
  RingWriter<message::MachineEvent> events_;
  RingWriter<message::CommandResult> results_;
  std::uint64_t cycle_ = 0;
  std::int64_t now_ns_ = 0;
  std::int64_t utc_offset_ns_ = 0;
  std::int64_t refilled_ns_ = 0;
  double tokens_ = kEventBurst + kErrorReserve;
  std::uint64_t dropped_ = 0;
  std::uint64_t dropped_told_ = 0;
  std::uint64_t trips_ = 0;
  std::uint64_t refused_ = 0;
  std::vector<std::uint32_t> first_page_;  // by machine: its first cell in Frames
  std::vector<std::uint8_t> slow_;         // by cell: 1 = it is written
};

}  // namespace rise::shm
