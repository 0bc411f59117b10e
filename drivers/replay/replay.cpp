#include "drivers/replay/replay.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace rise::replay {

namespace {

// For the lanes that are not played.
io::StreamPort silent_port() {
  static constexpr io::PortCounters kCounters;
  io::StreamPort port;
  port.start = [](void*) { return true; };
  port.open = [](void*, std::uint32_t, const char*, std::uint16_t, std::uint32_t) {
    return std::int32_t{RISE_E_LIMIT};
  };
  port.send = [](void*, std::int32_t, const std::uint8_t*, std::uint32_t) {
    return std::int32_t{RISE_E_CLOSED};
  };
  port.close = [](void*, std::int32_t) { return std::int32_t{RISE_E_CLOSED}; };
  port.exchange = [](void*, std::int64_t) {};
  port.counters = &kCounters;
  return port;
}

std::string end_text(record::EndReason reason) {
  switch (reason) {
    case record::EndReason::Stopped: return "the recorded core stopped there";
    case record::EndReason::Full: return "the recording reached its greatest size there";
    case record::EndReason::Overflow:
      return "the recorder did not keep up there: what came next is not recorded";
  }
  return "the recording ends there, for a reason that this program does not know";
}

}  // namespace

Result<std::unique_ptr<Replay>> Replay::make(Recording recording, const ReplayOptions& options) {
  std::unique_ptr<Replay> replay(new Replay(std::move(recording)));
  if (Result<Done> made = replay->make_core(options); !made) return Failure{made.error()};
  replay->compare_drivers();
  replay->look_ahead();
  replay->start_ns_ = replay->now_ns_ = replay->next_.now_ns;
  return replay;
}

Replay::~Replay() {
  if (core_ != nullptr) core_->region().set_state(shm::RegionState::Closed);
}

Result<Done> Replay::make_core(const ReplayOptions& options) {
  const record::Head& head = recording_.head();
  const bool own = options.config.empty();
  const std::string name = own ? "(recorded config)" : options.config_name;
  std::vector<config::Problem> problems;
  const plan::Rehearsal rehearsal{head.seed};
  plan::Plan plan =
      plan::make_plan(own ? head.config : options.config, options.drivers, &problems, &rehearsal);
  if (!problems.empty()) {
    std::string all = "the config cannot be used:";
    for (const config::Problem& problem : problems) {
      all += "\n" + config::to_string(problem, name);
    }
    return Failure{all};
  }
  if (head.lane >= plan.lanes.size()) {
    return Failure{name + " has no lane number " + std::to_string(head.lane) +
                   ", the one that was recorded"};
  }
  if (plan.lanes[head.lane].spec.period_ns != head.period_ns && own) {
    return Failure{"the recording contradicts itself: two cycle periods"};
  }
  plan.name = options.region;
  plan.hugepages = false;
  std::vector<std::string> machines(plan.machines.size());
  for (const auto& machine : plan.machines) {
    if (machine->spec().lane == head.lane) machines[machine->spec().machine] = machine->spec().name;
  }
  stage_ = std::make_unique<Stage>(std::move(machines), !own);
  clock_ = stage_->clock();
  core::CoreOptions core_options;
  core_options.directory = options.directory;
  core_options.clock = &clock_;
  core_options.port = [&](std::uint32_t lane, const io::StreamSink& sink) {
    return lane == head.lane ? stage_->streams(sink) : silent_port();
  };
  core_options.datagrams = [&](std::uint32_t lane, const io::DatagramSink& sink) {
    return lane == head.lane ? stage_->datagrams(sink) : io::DatagramPort{};
  };
  core_options.witness = [&](std::uint32_t lane) {
    return lane == head.lane ? stage_->witness() : io::Witness{};
  };
  core_options.predecessor.emplace();
  core_options.predecessor->unclean = head.unclean;
  core_options.predecessor->stop_word = head.stop_word;
  core_options.predecessor->tripped = head.tripped;
  auto made = core::Core::make(std::move(plan), core_options);
  if (!made) return Failure{made.error()};
  core_ = std::move(*made);
  digest_ = record::LaneDigest(core_->region(), head.lane);
  return Done{};
}

void Replay::compare_drivers() {
  for (const record::HeadMachine& recorded : recording_.head().machines) {
    const driver::Instance* now = machine(recorded.number);
    if (now == nullptr || now->spec().name != recorded.name) {
      warnings_.push_back("machine " + recorded.name + " is not in this config under its number");
      continue;
    }
    const rise_driver& its = *now->spec().driver;
    if (recorded.driver != its.name || recorded.driver_version != its.version) {
      warnings_.push_back("machine " + recorded.name + " was recorded with driver " +
                          recorded.driver + " " + recorded.driver_version + "; this is " +
                          its.name + " " + its.version);
    }
  }
}

driver::Instance* Replay::machine(std::uint16_t number) {
  if (number >= core_->plan().machines.size()) return nullptr;
  driver::Instance& machine = core_->machine(number);
  return machine.spec().lane == recording_.head().lane ? &machine : nullptr;
}

void Replay::look_ahead() {
  has_next_ = false;
  switch (recording_.next(&next_)) {
    case Recording::Next::Nonsense:
      summary_.damaged = true;
      summary_.end = "the recording is damaged: " + recording_.fault();
      return;
    case Recording::Next::End:
      summary_.end = recording_.cut()
                         ? "the file is cut off there"
                         : "the recording has no end: the core was killed, or the file is cut off";
      return;
    case Recording::Next::Cycle: break;
  }
  if (next_.is_end) {
    summary_.end = end_text(next_.end);
    summary_.complete = next_.end == record::EndReason::Stopped;
    return;
  }
  has_next_ = true;
}

bool Replay::step() {
  if (ended_ || !has_next_) return false;
  Cycle cycle = std::move(next_);
  look_ahead();
  now_ns_ = cycle.now_ns;
  for (const Notice& notice : cycle.notices) {
    if (driver::Instance* to = machine(notice.machine)) to->post_notice(notice.text);
  }
  offer_seats(cycle.seats);
  const bool first = cycle.number == 0;
  Cycle facts;  // what is needed after the stage has taken the rest
  facts.number = cycle.number;
  facts.has_told = cycle.has_told;
  facts.told = cycle.told;
  facts.digest_lost = cycle.digest_lost;
  stage_->enter(std::move(cycle));
  cycle::Lane& lane = core_->lane(recording_.head().lane);
  bool on = true;
  if (first) {
    lane.begin();
    core_->region()
        .table<message::CoreHealth>(shm::SectionKind::Lanes)[recording_.head().lane]
        .mutate_running(1);
    core_->region().set_state(shm::RegionState::Running);
  } else {
    on = lane.cycle();
  }
  stage_->leave();
  collect_seats();
  ++summary_.cycles;
  compare(facts);
  if (!on && has_next_) {
    divergences().add(facts.number, "the lane has stopped; in the recording it went on");
  }
  if (on && !has_next_ && summary_.complete) {
    divergences().add(facts.number, "the lane goes on; in the recording it stopped");
  }
  ended_ = !on;
  return on && has_next_;
}

// The caretaker of the recorded core had prepared a seat; here it is done on the spot. It is seen
// in every cycle in which it waits.
void Replay::offer_seats(const std::vector<std::uint16_t>& machines) {
  for (const std::uint16_t number : machines) {
    driver::Instance* to = machine(number);
    if (to == nullptr || std::ranges::find(waiting_, number) != waiting_.end()) continue;
    std::string why = "the machine has not given up the one before";
    std::unique_ptr<driver::Seat> seat = to->prepare(to->spec().driver, to->spec().library, &why);
    if (seat != nullptr && to->offer(&seat)) {
      waiting_.push_back(number);
    } else {
      divergences().add(next_.number, to->spec().name + ": no fresh driver instance: " + why);
    }
  }
}

// Whoever was offered one has given up another, or that one: it waits no more.
void Replay::collect_seats() {
  std::erase_if(waiting_,
                [this](std::uint16_t number) { return machine(number)->collect() != nullptr; });
}

void Replay::compare(const Cycle& cycle) {
  const shm::Outlet& outlet = *core_->lane(recording_.head().lane).outlet();
  const std::uint64_t frames_before = digest_.frames();
  const std::uint64_t others_before = digest_.events() + digest_.results();
  // The ring holds more than one cycle publishes, so nothing is overwritten before we read it.
  (void)digest_.advance(outlet.frames(), outlet.events(), outlet.results());
  const std::uint64_t others = digest_.events() + digest_.results();
  if (cycle.digest_lost) {
    frames_good_ = others_good_ = false;
    summary_.digests_end = cycle.number;
  }
  if (cycle.has_told) {
    ++summary_.compared;
    told_ = cycle.told;
  } else if (digest_.frames() == frames_before && others == others_before) {
    return;  // nothing then, nothing now
  }
  compare_one(cycle.number, "telemetry frames", digest_.frames(), told_.frames,
              record::LaneDigest::fold(digest_.frame_digest()) == told_.frame_digest,
              &frames_good_);
  compare_one(cycle.number, "events and command results", others, told_.others,
              record::LaneDigest::fold(digest_.other_digest()) == told_.other_digest,
              &others_good_);
}

// A digest that differs once differs for ever: that is told, and not looked at again.
void Replay::compare_one(std::uint64_t cycle, const char* what, std::uint64_t count,
                         std::uint64_t recorded, bool same, bool* good) {
  if (!*good || (count == recorded && same)) return;
  *good = false;
  std::string text = std::string(what) + " differ from here on: ";
  if (count != recorded) {
    text += std::to_string(count) + " by now instead of " + std::to_string(recorded);
  } else {
    text += "as many, with other bytes";
  }
  divergences().add(cycle, text);
}

const Summary& Replay::summary() {
  summary_.played_ns = now_ns_ - start_ns_;
  summary_.bytes_in = stage_->bytes_in();
  summary_.bytes_out = stage_->bytes_out();
  summary_.frames = digest_.frames();
  summary_.events = digest_.events();
  summary_.results = digest_.results();
  summary_.frame_digest = digest_.frame_digest();
  summary_.other_digest = digest_.other_digest();
  return summary_;
}

}  // namespace rise::replay
