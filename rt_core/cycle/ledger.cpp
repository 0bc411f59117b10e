#include "rt_core/cycle/ledger.hpp"

namespace rise::cycle {

using message::LaneCounter;
using message::LaneHistogram;

Ledger::Ledger(const shm::Region& region, std::uint32_t lane, std::size_t drivers)
    : flight_(region, lane, drivers) {
  message::CoreHealth& health = region.table<message::CoreHealth>(shm::SectionKind::Lanes)[lane];
  counters_ = const_cast<std::uint64_t*>(
      reinterpret_cast<const std::uint64_t*>(health.mutable_counters()->data()));
  for (std::size_t i = 0; i < static_cast<std::size_t>(LaneHistogram::Limit); ++i) {
    histograms_[i] =
        shm::HistogramRecorder(health.histograms()->Get(static_cast<flatbuffers::uoffset_t>(i)));
  }
}

void Ledger::close(const CycleTimes& times, std::int64_t period_ns, const shm::Outlet& outlet,
                   const io::PortCounters& port, const io::DatagramCounters* datagrams) {
  const std::int64_t lateness = times.wake_ns - times.deadline_ns;
  const auto record = [this](LaneHistogram which, std::int64_t ns) {
    histograms_[static_cast<std::size_t>(which)].record(ns);
  };
  record(LaneHistogram::Wakeup, lateness);
  record(LaneHistogram::Step, times.phase_ns[static_cast<std::size_t>(Phase::Step)]);
  record(LaneHistogram::Exchange, times.phase_ns[static_cast<std::size_t>(Phase::Exchange)]);
  record(LaneHistogram::Judge, times.phase_ns[static_cast<std::size_t>(Phase::Judge)]);
  record(LaneHistogram::Publish, times.phase_ns[static_cast<std::size_t>(Phase::Publish)]);
  record(LaneHistogram::Cycle, times.end_ns - times.wake_ns);
  add(LaneCounter::Cycles, 1);
  if (times.late) {
    add(LaneCounter::Overruns, 1);
    add(LaneCounter::SkippedCycles, times.skipped);
  }
  if (lateness > period_ns) add(LaneCounter::LateWakeups, 1);
  set(LaneCounter::FramesPublished, outlet.frames());
  set(LaneCounter::EventsPublished, outlet.events());
  set(LaneCounter::EventsDropped, outlet.events_dropped());
  set(LaneCounter::CommandsRefused, outlet.refused());
  set(LaneCounter::Trips, outlet.trips());
  set(LaneCounter::BytesSent, port.bytes_sent);
  set(LaneCounter::BytesReceived, port.bytes_received);
  set(LaneCounter::StreamsOpened, port.opened);
  set(LaneCounter::StreamsFailed, port.failed);
  set(LaneCounter::SendQueueFull, port.send_queue_full);
  set(LaneCounter::Enters, port.enters);
  if (datagrams != nullptr) {
    set(LaneCounter::DatagramsReceived, datagrams->received);
    set(LaneCounter::DatagramsSent, datagrams->sent);
    set(LaneCounter::DatagramsDropped, datagrams->dropped);
    set(LaneCounter::DatagramsMalformed, datagrams->malformed);
    set(LaneCounter::DatagramSendsFailed, datagrams->send_failed);
  }
  flight_.close(times);
  // Last: who sees this heartbeat sees a cycle whose numbers are complete.
  shm::Hardware::store(&counters_[static_cast<std::size_t>(LaneCounter::LastCycleMonoNs)],
                       static_cast<std::uint64_t>(times.wake_ns), std::memory_order_release);
}

}  // namespace rise::cycle
