#include "tests/simulation/scenarios.hpp"

#include <cmath>
#include <map>

#include "rt_core/random.hpp"

namespace rise::simulation {

using message::CommandKind;
using message::LinkState;
using message::Quality;
using message::SafetyState;

namespace {

constexpr std::size_t kMachines = 3;

}  // namespace

std::string controls(int service_us) {
  const std::string program =
      "\"O1000\\nG90 G21\\nN10 G0 X0. Y0. Z0.\\nN20 S1500 M3\\nN30 G1 X80. F3000\\nN40 Y40.\\nN50 "
      "Z-5. "
      "F500\\nN60 X0. Y0.\\nM30\"";
  const auto control = [&](const char* name, const char* model, int port, int paths) {
    std::string text = std::string("[[control]]\nname = \"") + name + "\"\nmodel = \"" + model +
                       "\"\nport = " + std::to_string(port) +
                       "\nservice_us = " + std::to_string(service_us) +
                       "\nsessions_max = 8\nstale_elements = true\n";
    for (int path = 0; path < paths; ++path) {
      text += "[[control.path]]\nprogram = " + program +
              "\naxes = [{name = \"X\"}, {name = \"Y\"}, {name = \"Z\"}]\nspindles = [{name = "
              "\"S1\"}]\n";
    }
    return text;
  };
  return control("new", "31i", 9001, 1) + control("old", "16i", 9002, 1) +
         control("two", "30i", 9003, 2);
}

namespace {

std::string machine(const char* name, int port, int paths, const std::string& more) {
  std::string text = std::string("[[machine]]\nname = \"") + name + "\"\ndriver = \"focas\"\n" +
                     more + "[machine.focas]\nendpoint = \"127.0.0.1:" + std::to_string(port) +
                     "\"\nreply_timeout_ms = 100\nconnect_timeout_ms = 200\nbackoff_min_ms = 20\n"
                     "backoff_max_ms = 500\nsafe = [\"pmc.R100=1\"]\nfeed_hold = \"pmc.R101=1\"\n";
  for (int path = 0; path < paths; ++path) {
    text += "[[machine.focas.path]]\naxes = [\"X\", \"Y\", \"Z\"]\n";
  }
  return text +
         "[[machine.focas.group]]\nname = \"fast\"\nperiod_ms = 10\nitems = [\"status\", "
         "\"alarms\", "
         "\"position.absolute\", \"feed\", \"spindle.speed\", \"macro.500-501\"]\n"
         "[[machine.focas.group]]\nname = \"slow\"\nperiod_ms = 200\nitems = [\"program.number\", "
         "\"position.machine\", \"servo.load\", \"parts.count\"]\n";
}

}  // namespace

std::string core_config(const std::string& lane) {
  const std::string output =
      "[[machine.output]]\nname = \"advice\"\ntarget = \"macro.600\"\nmin = 0.0\nmax = 100.0\n";
  return "[[lane]]\nname = \"main\"\n" + lane + machine("new", 9001, 1, output) +
         machine("old", 9002, 1, output) + machine("two", 9003, 2, output);
}

namespace {

// Reads all frames and judges them: whole sequences, sane times, good values that are true.
class Witness {
 public:
  Witness(Plant* plant, Faults* faults) : plant_(plant), faults_(faults) {
    for (std::size_t m = 0; m < kMachines; ++m) {
      constant_[m] = plant->find(m, "macro.500");
      counter_[m] = plant->find(m, "macro.501");
    }
  }

  // values are compared with the controls' own: macro 500 never changes, macro 501 tells the time.
  void look(bool values_are_true) {
    message::TelemetryFrame frame;
    while (plant_->reader().next(&frame)) {
      std::uint64_t& last = sequences_[{frame.machine(), frame.page()}];
      faults_->check(frame.sequence() == last + 1, "a frame is missing or comes twice");
      last = frame.sequence();
      faults_->check(frame.sample_mono_ns() <= plant_->clock().now_ns(),
                     "a sample from the future");
      if (frame.quality() == Quality::Bad)
        faults_->check(frame.valid() == 0, "a bad frame has good values");
      if (values_are_true && frame.machine() < kMachines) judge(frame);
      if (frame.valid() != 0) ++good_frames_[frame.machine()];
    }
    faults_->check(plant_->reader().lost() == 0, "the reader was lapped");
  }
  // As the clock of macro 501: milliseconds since the start, told by the plant's owner.
  void set_time(std::int64_t ms) { time_ms_ = ms; }
  [[nodiscard]] std::uint64_t good_frames(std::size_t machine) const {
    const auto found = good_frames_.find(machine);
    return found == good_frames_.end() ? 0 : found->second;
  }

 private:
  void judge(const message::TelemetryFrame& frame) {
    const auto value = [&](const Plant::Place& place, double* out) {
      if (place.page != frame.page() || (frame.valid() >> place.slot & 1) == 0) return false;
      *out = frame.values()->Get(place.slot);
      return true;
    };
    double v = 0;
    if (value(constant_[frame.machine()], &v)) {
      faults_->check(v == 7.25, "macro 500 reads " + std::to_string(v) + ", it is 7.25");
    }
    if (value(counter_[frame.machine()], &v)) {
      // Asked at most one time-out ago.
      const auto age_ms = static_cast<double>(time_ms_) - v;
      faults_->check(age_ms >= 0 && age_ms <= 300,
                     "macro 501 is " + std::to_string(age_ms) + " ms old");
    }
  }

  Plant* plant_;
  Faults* faults_;
  std::map<std::size_t, Plant::Place> constant_;
  std::map<std::size_t, Plant::Place> counter_;
  std::map<std::pair<std::uint16_t, std::uint16_t>, std::uint64_t> sequences_;
  std::map<std::size_t, std::uint64_t> good_frames_;
  std::int64_t time_ms_ = 0;
};

}  // namespace

io::NetworkFaults bad_weather(std::uint64_t* random, bool corrupting) {
  io::NetworkFaults faults;
  faults.refuse = 0.3 * uniform(random);
  faults.connect_loss = 0.2 * uniform(random);
  faults.tear = uniform(random);
  faults.reset = 0.02 * uniform(random);
  faults.stall = 0.01 * uniform(random);
  faults.delay = 0.2 * uniform(random);
  faults.delay_max_ns = static_cast<std::int64_t>(150e6 * uniform(random));
  faults.latency_max_ns = 50'000 + static_cast<std::int64_t>(2e6 * uniform(random));
  if (corrupting) {
    faults.corrupt = 0.1 * uniform(random);
    faults.duplicate = 0.05 * uniform(random);
  }
  return faults;
}

namespace {

// Plays the weather for some seconds, keeping the controls' macros true to the time.
void play_weather(Plant* plant, Witness* witness, std::uint64_t* random, double seconds,
                  bool corrupting) {
  const std::int64_t start_ns = plant->clock().now_ns();
  std::int64_t change_ns = 0;
  while (plant->clock().now_ns() - start_ns < static_cast<std::int64_t>(seconds * 1e9)) {
    const std::int64_t now_ns = plant->clock().now_ns();
    if (now_ns >= change_ns) {
      plant->network().set_faults(bad_weather(random, corrupting));
      change_ns = now_ns + 500'000'000;
      if (uniform(random) < 0.2) plant->network().cut_all();
    }
    const std::int64_t ms = (now_ns - 1'000'000'000'000) / 1'000'000;
    for (std::size_t m = 0; m < kMachines; ++m) {
      cncsim::Path& path = plant->control(m).control.path(0);
      path.macros().set(500, 7.25);
      path.macros().set(501, static_cast<double>(ms));
    }
    plant->beat();
    plant->run_cycles(5);
    witness->set_time(ms + 6);
    witness->look(!corrupting);
  }
  plant->network().set_faults({});
}

bool all_up(Plant* plant) {
  for (std::size_t m = 0; m < kMachines; ++m) {
    if (plant->state(m).link() != LinkState::Up) return false;
  }
  return true;
}

void check_recovery(Plant* plant, Witness* witness, Faults* faults) {
  // The longest way back: a time-out, the longest back-off, a connect. A session that stalled in
  // the last moment of the weather still counts as up until its time-out.
  plant->run_seconds(0.3);
  faults->check(plant->run_until([&] { return all_up(plant); }, 3.0), "not all machines came back");
  witness->look(false);
  std::uint64_t before[kMachines];
  for (std::size_t m = 0; m < kMachines; ++m) before[m] = witness->good_frames(m);
  plant->run_seconds(1.0);
  witness->look(false);
  for (std::size_t m = 0; m < kMachines; ++m) {
    faults->check(witness->good_frames(m) - before[m] >= 90,
                  "machine " + std::to_string(m) + " sampled only " +
                      std::to_string(witness->good_frames(m) - before[m]) +
                      " times in a good second");
    faults->check(plant->control(m).sessions.sessions_in_use() <= 2,
                  "machine " + std::to_string(m) + " leaks sessions");
  }
  faults->check(plant->network().open_streams() <= kMachines * 2, "streams leak");
}

void check_end(Plant* plant, Faults* faults) {
  plant->core().inputs().stop.store(true);
  bool ended = false;
  for (int i = 0; i < 2000 && !ended; ++i) ended = !plant->run_cycles(1);
  faults->check(ended, "the lane does not end");
  for (std::size_t m = 0; m < kMachines; ++m) {
    faults->check(plant->control(m).sessions.open_connections() == 0,
                  "machine " + std::to_string(m) + " keeps connections after the end");
  }
}

void weather(std::uint64_t seed, const std::string& folder, Faults* faults, bool corrupting) {
  std::uint64_t random = seed;
  Plant plant({seed, controls(static_cast<int>(uniform(&random) * 3000)), core_config(), folder});
  Witness witness(&plant, faults);
  play_weather(&plant, &witness, &random, 8.0, corrupting);
  faults->check(plant.network().faults_injected() > 0, "the scenario had no faults at all");
  check_recovery(&plant, &witness, faults);
  check_end(&plant, faults);
}

void torn_network(std::uint64_t seed, const std::string& folder, Faults* faults) {
  weather(seed, folder, faults, false);
}

void lying_network(std::uint64_t seed, const std::string& folder, Faults* faults) {
  weather(seed, folder, faults, true);
}

// Armed machines, commands, a stop at some moment: safe outputs within two cycles and the time on
// the wire.
void stop_at_any_time(std::uint64_t seed, const std::string& folder, Faults* faults) {
  std::uint64_t random = seed;
  Plant plant({seed, controls(200), core_config(), folder});
  plant.beat();
  faults->check(plant.run_until([&] { return all_up(&plant); }, 3.0), "not all machines come up");
  plant.beat();
  plant.run_seconds(0.3);
  plant.beat();
  plant.send(CommandKind::Arm, shm::kWholeLane, 0, 0);
  plant.run_cycles(2);
  for (std::size_t m = 0; m < kMachines; ++m) {
    faults->check(plant.state(m).safety() == SafetyState::Armed, "machine is not armed");
  }
  plant.send(CommandKind::SetOutput, 0, 0, 42.0);
  plant.run_cycles(1 + static_cast<std::uint64_t>(uniform(&random) * 40));
  plant.set_stop_word(1);
  // One cycle to see it; the request leaves in that cycle. Then the wire, the control's service
  // time behind at most one request of the sweep, and up to two cycles in which a session may be
  // busy.
  plant.run_cycles(1);
  for (std::size_t m = 0; m < kMachines; ++m) {
    faults->check(plant.state(m).safety() == SafetyState::Tripped,
                  "machine is not tripped in the next cycle");
  }
  const auto safe = [&](std::size_t m) {
    return plant.control(m).control.pmc().byte(static_cast<cncsim::PmcArea>(5), 100) == 1;
  };
  plant.run_cycles(5);
  for (std::size_t m = 0; m < kMachines; ++m) {
    faults->check(safe(m), "machine " + std::to_string(m) + " has no safe output after 6 cycles");
  }
  faults->check(plant.run_until(
                    [&] {
                      for (std::size_t m = 0; m < kMachines; ++m) {
                        if (plant.state(m).safe_confirmed() != 1) return false;
                      }
                      return true;
                    },
                    0.5),
                "safe outputs are not confirmed");
  // Latched: neither time nor arming helps, only taking the word back and a reset.
  plant.send(CommandKind::Arm, shm::kWholeLane, 0, 0);
  plant.send(CommandKind::Reset, shm::kWholeLane, 0, 0);
  plant.run_cycles(5);
  faults->check(plant.state(0).safety() == SafetyState::Tripped,
                "a trip was left while its cause stands");
  plant.set_stop_word(0);
  plant.run_cycles(5);
  faults->check(plant.state(0).safety() == SafetyState::Tripped, "a trip was left without a reset");
  plant.send(CommandKind::Reset, shm::kWholeLane, 0, 0);
  plant.run_cycles(3);
  faults->check(plant.state(0).safety() == SafetyState::Disarmed,
                "a reset does not leave the trip");
  check_end(&plant, faults);
}

// Provisional changes are taken back when the sidecar is gone; approved ones stay.
void sidecar_lost(std::uint64_t seed, const std::string& folder, Faults* faults) {
  std::uint64_t random = seed;
  Plant plant({seed, controls(500), core_config(), folder});
  const auto live = [&](double seconds) {
    for (int i = 0; i < static_cast<int>(seconds * 20); ++i) {
      plant.beat();
      plant.run_seconds(0.05);
    }
  };
  for (std::size_t m = 0; m < kMachines; ++m) plant.control(m).control.path(0).macros().set(600, 5);
  live(1.0);
  plant.send(CommandKind::Arm, shm::kWholeLane, 0, 0);
  live(0.1);
  plant.send(CommandKind::SetOutput, 0, 0, 30, message::Approval::Approved);
  live(0.3);
  plant.send(CommandKind::SetOutput, 0, 0, 60, message::Approval::Provisional);
  plant.send(CommandKind::SetOutput, 1, 0, 50, message::Approval::Provisional);
  live(0.3 + 0.5 * uniform(&random));
  const auto macro = [&](std::size_t m) {
    return plant.control(m).control.path(0).macros().get(600);
  };
  faults->check(std::fabs(macro(0) - 60) < 1e-6 && std::fabs(macro(1) - 50) < 1e-6,
                "set-points did not arrive");
  plant.run_seconds(2.0);  // no heartbeat
  faults->check(std::fabs(macro(0) - 30) < 1e-6,
                "the approved value was not restored: " + std::to_string(macro(0)));
  faults->check(std::fabs(macro(1) - 5) < 1e-6,
                "the value found at the start was not restored: " + std::to_string(macro(1)));
  faults->check(std::fabs(macro(2) - 5) < 1e-6, "an untouched machine was changed");
  check_end(&plant, faults);
}

// The same seed twice: the same frames, bit for bit.
void repeatable(std::uint64_t seed, const std::string& folder, Faults* faults) {
  std::uint64_t sums[2] = {};
  for (std::uint64_t& sum : sums) {
    std::uint64_t random = seed;
    Plant plant({seed, controls(300), core_config(), folder});
    plant.network().set_faults(bad_weather(&random, true));
    for (int i = 0; i < 200; ++i) {
      plant.beat();
      plant.run_cycles(10);
      message::TelemetryFrame frame;
      while (plant.reader().next(&frame)) {
        const auto* words = reinterpret_cast<const std::uint64_t*>(&frame);
        for (std::size_t w = 0; w < sizeof frame / 8; ++w) {
          // The wall clock is the only thing that is not simulated.
          if (w != 3) sum = (sum ^ words[w]) * 0x100000001b3;
        }
      }
    }
  }
  faults->check(sums[0] == sums[1] && sums[0] != 0, "two runs of one seed differ");
}

}  // namespace

const Scenario kScenarios[] = {
    {"torn_network", 20, &torn_network},
    {"lying_network", 20, &lying_network},
    {"stop_at_any_time", 20, &stop_at_any_time},
    {"sidecar_lost", 5, &sidecar_lost},
    {"repeatable", 3, &repeatable},
    {"replayed", 6, &replayed},
    {"sensors", 10, &sensors},
    {nullptr, 0, nullptr},
};

}  // namespace rise::simulation
