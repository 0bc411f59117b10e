// Stands between a lane and everything that it takes in or asks for - clock, ports, witness -
// passes all on unchanged, and notes it in a journal, in the order in which it happens.
//
// Set-up thread: constructor, and the functions that wrap. Everything else: lane thread; it copies
// into the journal and does nothing more.
#pragma once

#include <cstdint>

#include "rt_core/cycle/clock.hpp"
#include "rt_core/io/datagram_port.hpp"
#include "rt_core/io/stream_port.hpp"
#include "rt_core/io/witness.hpp"
#include "rt_core/record/format.hpp"
#include "rt_core/record/journal.hpp"

namespace rise::record {

class Tap {
 public:
  // The journal outlives it.
  explicit Tap(Journal* journal) : journal_(journal) {}
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  // Each may be called once; what it returns is to be used instead of what it was given.
  [[nodiscard]] cycle::Clock wrap(const cycle::Clock& clock);
  [[nodiscard]] io::StreamSink wrap(const io::StreamSink& sink);
  [[nodiscard]] io::DatagramSink wrap(const io::DatagramSink& sink);
  [[nodiscard]] io::StreamPort wrap(const io::StreamPort& port);
  [[nodiscard]] io::DatagramPort wrap(const io::DatagramPort& port);  // self null: stays so
  [[nodiscard]] io::Witness witness();

 private:
  class Note;
  static Tap* of(void* self) { return static_cast<Tap*>(self); }
  void time(Kind kind, std::int64_t now_ns);
  void stamp(std::int64_t now_ns);

  Journal* journal_;
  cycle::Clock clock_;
  io::StreamSink sink_;
  io::DatagramSink datagram_sink_;
  io::StreamPort port_;
  io::DatagramPort datagrams_;
  std::int64_t last_ns_ = 0;      // the last time that was told
  std::int64_t exchange_ns_ = 0;  // of the exchange under way
  std::int64_t utc_offset_ns_ = 0;
  io::SeenWords words_;
};

}  // namespace rise::record
