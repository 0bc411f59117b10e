// What a cycle consists of between its tables of functions, for clang's -Wfunction-effects (20 and
// later): from each function here marked as non-blocking the compiler follows all calls, through
// templates, and refuses what allocates, locks, throws, or cannot be seen into. Nothing is run; the
// sources stand here as a whole so that they can be seen into.
//
// Calls by pointer (clock, ports, drivers) end this view: what lies behind them is watched while it
// runs, by tests/rtsan, guard/preload.cpp and the seal.
#include <mutex>
#include <stdexcept>
#include <vector>

#include "rt_core/cycle/flight.cpp"
#include "rt_core/cycle/ledger.cpp"
#include "rt_core/cycle/overrun.cpp"
#include "rt_core/driver/budget.hpp"
#include "rt_core/driver/signals.cpp"
#include "rt_core/safety/channel.cpp"
#include "rt_core/safety/gate.cpp"
#include "rt_core/safety/limit.hpp"
#include "rt_core/shm/outlet.cpp"
#include "rt_core/shm/region.cpp"
#include "rt_core/shm/spsc_ring.hpp"

#ifndef RISE_PLANT
#define RISE_PLANT 0
#endif
#define NONBLOCKING noexcept [[clang::nonblocking]]

namespace rise::effects {

void publish(shm::Outlet* outlet, driver::Signals* signals, message::TelemetryFrame* frame,
             const shm::Event& event, message::CommandResult* result,
             const message::MachineState& state) NONBLOCKING {
  outlet->begin_cycle(1, 2, 3);
  outlet->frame(frame);
  outlet->event(event);
  outlet->result(result);
  outlet->state(1, state);
  outlet->text(1, "text", true);
  signals->write(1, 2.0);
  signals->invalidate(1);
  signals->write_text(1, "text", outlet);
  signals->sample(1, 2);
  signals->publish(outlet);
  signals->invalidate_all(outlet);
}

void book(cycle::Ledger* ledger, const cycle::CycleTimes& times, const shm::Outlet& outlet,
          const io::PortCounters& port, const io::DatagramCounters* datagrams) NONBLOCKING {
  ledger->close(times, 1, outlet, port, datagrams);
  ledger->command_latency(1);
  ledger->flight().driver(1, 2);
  ledger->flight().close(times);
}

void judge(safety::Channel* channel, const safety::Conditions& conditions, safety::Limit* limit,
           safety::Gate* gate, const message::Command& command, const safety::OutputSpec& spec,
           const safety::OutputState& state) NONBLOCKING {
  channel->evaluate(conditions);
  channel->trip(message::TripReason::None);
  static_cast<void>(channel->arm(conditions));
  static_cast<void>(channel->disarm());
  static_cast<void>(channel->reset(conditions));
  limit->observe(1.0, 2);
  limit->pass(3);
  static_cast<void>(limit->blind(1, 2));
  static_cast<void>(gate->admit(command, 1));
  static_cast<void>(safety::check_value(1.0, spec, state));
}

void count(driver::Budget* budget, cycle::Ladder* ladder, std::uint32_t* catching_up,
           shm::SpscConsumer<>* commands, shm::Word* words) NONBLOCKING {
  budget->observe(1);
  ladder->observe(true);
  cycle::next_release(cycle::OverrunPolicy::CatchUp, 1, 2, 3, catching_up);
  static_cast<void>(commands->pop(words));
}

// The negative controls: each alone must be refused.
void planted(std::vector<int>* numbers, std::mutex* mutex) NONBLOCKING {
  static_cast<void>(numbers);
  static_cast<void>(mutex);
#if RISE_PLANT == 1
  numbers->push_back(1);
#elif RISE_PLANT == 2
  mutex->lock();
#elif RISE_PLANT == 3
  throw std::runtime_error("no");
#elif RISE_PLANT == 4
  static const std::vector<int> once(3);
  static_cast<void>(once);
#elif RISE_PLANT == 5
  std::fputs("no", stderr);
#endif
}

}  // namespace rise::effects
