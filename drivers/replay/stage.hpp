// What stands in for the world while a recording is played: the lane's clock, its ports, and all
// else that enters it. It gives the lane what is recorded, cycle by cycle, and compares what the
// lane asks for with what it asked for then.
//
// Thread: that of the lane.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "drivers/replay/recording.hpp"
#include "rt_core/cycle/clock.hpp"
#include "rt_core/io/datagram_port.hpp"
#include "rt_core/io/stream_port.hpp"
#include "rt_core/io/witness.hpp"

namespace rise::replay {

// What was found to differ. Sentences are kept of the first kKept only.
struct Divergences {
  static constexpr std::size_t kKept = 20;
  std::uint64_t count = 0;
  std::uint64_t first_cycle = 0;
  std::vector<std::string> texts;
  void add(std::uint64_t cycle, const std::string& text);
};

class Stage {
 public:
  // machines: names by number; empty: not of this lane. free: differences are expected, as with
  // another config; then time stands still between wake-up and exchange, since the readings of the
  // clock cannot be told apart any more.
  Stage(std::vector<std::string> machines, bool free)
      : machines_(std::move(machines)), free_(free) {}
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  [[nodiscard]] cycle::Clock clock();
  [[nodiscard]] io::StreamPort streams(const io::StreamSink& sink);
  [[nodiscard]] io::DatagramPort datagrams(const io::DatagramSink& sink);
  [[nodiscard]] io::Witness witness();

  // Before the lane's cycle. The recording's file stays mapped.
  void enter(Cycle cycle);
  // After it: what was recorded and did not happen.
  void leave();

  [[nodiscard]] Divergences& divergences() { return divergences_; }
  [[nodiscard]] std::uint64_t bytes_in() const { return bytes_in_; }
  [[nodiscard]] std::uint64_t bytes_out() const { return bytes_out_; }

 private:
  static Stage* of(void* self) { return static_cast<Stage*>(self); }
  std::int64_t stamp();
  void exchange();
  void exchange_datagrams();
  void hand_out(const Inward& in);
  std::int32_t open(std::uint32_t owner, const char* host, std::uint16_t port,
                    std::uint32_t timeout_ms);
  // The first of its kind and number in this cycle that has not been asked for; null: none.
  Outward* find(record::Kind kind, std::int32_t number);
  std::int32_t check_bytes(Outward* recorded, const char* what, std::int32_t number, Bytes bytes);
  [[nodiscard]] std::string who(std::uint32_t owner) const;
  [[nodiscard]] std::string whose(std::int32_t stream) const;
  void differ(const std::string& text) { divergences_.add(cycle_.number, text); }

  std::vector<std::string> machines_;
  bool free_;
  io::StreamSink sink_;
  io::DatagramSink datagram_sink_;
  io::PortCounters counters_;
  io::DatagramCounters datagram_counters_;
  Cycle cycle_;
  std::size_t next_stamp_ = 0;
  std::size_t next_inward_ = 0;
  std::size_t next_command_ = 0;
  std::vector<bool> asked_;     // by place in cycle_.outward
  std::size_t first_open_ = 0;  // all before it were asked for
  std::uint64_t stamps_missing_ = 0;
  std::int64_t still_ns_ = 0;                     // free: the time
  std::map<std::int32_t, std::uint32_t> owners_;  // of the streams that the lane holds
  Divergences divergences_;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
};

}  // namespace rise::replay
