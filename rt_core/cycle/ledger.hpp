// The lane's bookkeeping at the end of each cycle: histograms, counters, flight recorder. All of it
// together is to cost at most 300 ns (bench/bookkeeping). Lane thread only.
#pragma once

#include <cstdint>

#include "rise_generated.h"
#include "rt_core/cycle/flight.hpp"
#include "rt_core/io/datagram_port.hpp"
#include "rt_core/io/stream_port.hpp"
#include "rt_core/shm/histogram.hpp"
#include "rt_core/shm/outlet.hpp"

namespace rise::cycle {

class Ledger {
 public:
  Ledger() = default;
  Ledger(const shm::Region& region, std::uint32_t lane, std::size_t drivers);

  FlightRecorder& flight() { return flight_; }
  // datagrams: null if the lane has none.
  void close(const CycleTimes& times, std::int64_t period_ns, const shm::Outlet& outlet,
             const io::PortCounters& port, const io::DatagramCounters* datagrams);
  void command_latency(std::int64_t ns) {
    histograms_[static_cast<std::size_t>(message::LaneHistogram::Command)].record(ns);
  }
  void add(message::LaneCounter counter, std::uint64_t n) { set(counter, get(counter) + n); }
  void set(message::LaneCounter counter, std::uint64_t value) {
    shm::Hardware::store(&counters_[static_cast<std::size_t>(counter)], value,
                         std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get(message::LaneCounter counter) const {
    return counters_[static_cast<std::size_t>(counter)];
  }

 private:
  std::uint64_t* counters_ = nullptr;
  shm::HistogramRecorder histograms_[static_cast<std::size_t>(message::LaneHistogram::Limit)];
  FlightRecorder flight_;
};

}  // namespace rise::cycle
