#include <algorithm>

#include "rt_core/kit/checks.hpp"
#include "rt_core/kit/rig.hpp"

namespace rise::kit {

namespace {

constexpr std::int64_t kRecover_ms = 120'000;
constexpr int kOpensPerSecond = 20;
constexpr std::uint64_t kSendsPerCall = 64;

// More attempts to connect within any second than a device on a shop floor should have to bear.
void judge_rate(Trial& trial, const Probe& probe, const std::string& when) {
  const std::vector<std::int64_t>& times = probe.open_times_ns;
  std::size_t most = 0;
  for (std::size_t first = 0, last = 0; last < times.size(); ++last) {
    while (times[last] - times[first] > 1'000'000'000) ++first;
    most = std::max(most, last - first + 1);
  }
  if (most > kOpensPerSecond) {
    trial.find(text("%zu attempts to connect within a second, at most %d: wait between them (%s)",
                    most, kOpensPerSecond, when.c_str()));
  }
}

}  // namespace

void check_disconnects(Trial& trial) {
  if (!needs_streams(trial)) return;
  for (int after = 0; after <= 8; ++after) {
    for (const bool half : {false, true}) {
      const std::string when = text("hung up %s exchange %d of each connection",
                                    half ? "within the reply of" : "after", after);
      trial.doing(when);
      Rig rig(trial, RigMachine{.name = "a",
                                .peer = {.manner = Manner::Device,
                                         .seed = static_cast<std::uint64_t>(after) + 1,
                                         .close_after = after,
                                         .half_reply = half}});
      if (!rig.ok()) return;
      rig.begin();
      if (!rig.run_ms(2000)) return;
      // The other end of a cable: no good-bye.
      rig.network().cut_all();
      if (!rig.run_ms(2000)) return;
      judge_rate(trial, rig.probe(), when);
      rig.peer().spec.close_after = -1;
      if (rig.probe().opens != 0 && !rig.reconnects(kRecover_ms))
        trial.find("does not connect again within 120 s: " + when);
      rig.stop();
      if (!trial.clean()) return;
    }
  }
}

void check_refused(Trial& trial) {
  if (!needs_streams(trial)) return;
  for (const Manner manner : {Manner::Absent, Manner::Lost}) {
    trial.doing(name_of(manner));
    Rig rig(trial, RigMachine{.name = "a", .peer = {.manner = manner}});
    if (!rig.ok()) return;
    rig.begin();
    if (!rig.run_ms(60'000)) return;
    if (rig.probe().opens == 0) {
      trial.note("as configured it does not connect to anything");
      return;
    }
    judge_rate(trial, rig.probe(), name_of(manner));
    if (rig.probe().link == RISE_LINK_UP) trial.find(text("says link up: %s", name_of(manner)));
    trial.note(
        text("%s: %d attempts in 60 s", name_of(manner), static_cast<int>(rig.probe().opens)));
    rig.set_manner(0, Manner::Device);
    if (!rig.reconnects(kRecover_ms))
      trial.find(text("has given up: no connection within 120 s after %s", name_of(manner)));
    rig.stop();
  }
}

void check_silent(Trial& trial) {
  if (!needs_streams(trial)) return;
  for (const bool from_start : {true, false}) {
    const char* when = from_start ? "silent from the start" : "silent after a while";
    trial.doing(when);
    Rig rig(trial, RigMachine{.name = "a",
                              .peer = {.manner = from_start ? Manner::Silent : Manner::Device}});
    if (!rig.ok()) return;
    rig.begin();
    if (!from_start) {
      rig.run_ms(1000);
      rig.set_manner(0, Manner::Silent);
    }
    const std::uint64_t closes = rig.probe().closes;
    if (!rig.run_ms(60'000)) return;
    if (rig.peer().received == 0) {
      trial.note("it never asks anything: whether it should notice silence is not known");
      return;
    }
    judge_rate(trial, rig.probe(), when);
    const bool noticed = rig.probe().counters[RISE_COUNT_TIMEOUTS] != 0 ||
                         rig.probe().closes > closes || rig.probe().link != RISE_LINK_UP;
    if (!noticed) trial.find(text("a minute without a word, and the link is still up (%s)", when));
    if (noticed && rig.probe().counters[RISE_COUNT_TIMEOUTS] == 0)
      trial.note("time-outs are not counted (RISE_COUNT_TIMEOUTS)");
    rig.stop();
  }
}

void check_queue_full(Trial& trial) {
  const rise_driver* driver = load(trial);
  if (driver == nullptr) return;
  Rig rig(trial, RigMachine{});
  if (!rig.ok()) return;
  rig.begin();
  trial.doing("full from the start");
  probe_mode.queue_full = true;
  rig.run_ms(3000);
  probe_mode.queue_full = false;
  if (!trial.clean()) return;
  const bool sends = rig.probe().sends != 0;
  if (sends && !rig.reconnects(kRecover_ms))
    trial.find("after the queue had room again it sent nothing for 120 s");
  trial.doing("full for 200 ms, again and again");
  for (int i = 0; i < 10 && trial.clean(); ++i) {
    probe_mode.queue_full = i % 2 == 0;
    rig.run_ms(200);
  }
  probe_mode.queue_full = false;
  if (rig.probe().sends_in_call_max > kSendsPerCall) {
    trial.find(text("%d sends within one call: after RISE_E_AGAIN try in the next cycle",
                    static_cast<int>(rig.probe().sends_in_call_max)));
  }
  if (!sends) trial.skip("it sends nothing");
  rig.stop();
}

void check_commands(Trial& trial) {
  const rise_driver* driver = load(trial);
  if (driver == nullptr) return;
  if ((driver->capabilities & RISE_CAP_COMMAND) == 0) return trial.skip("it has no outputs");
  int accepted = 0;
  int refused = 0;
  std::size_t outputs = 0;
  for (const Manner manner : {Manner::Device, Manner::Words, Manner::Silent, Manner::Absent}) {
    trial.doing(name_of(manner));
    Rig rig(trial, RigMachine{.name = "a", .peer = {.manner = manner}});
    if (!rig.ok()) return;
    outputs = rig.core().machine(0).spec().outputs.size();
    rig.begin();
    const auto give = [&](int i) {
      if (outputs == 0) return;
      const std::size_t output = static_cast<std::size_t>(i) % outputs;
      const safety::OutputSpec& limits = rig.core().machine(0).spec().outputs[output].limits;
      const double value = i % 2 == 0 ? limits.min : limits.max;
      const std::int32_t rc =
          rig.probe().command(static_cast<std::uint32_t>(output), value,
                              i % 4 == 3 ? rig.now_ns() + 1'000'000 : 0, rig.now_ns());
      ++(rc == RISE_OK ? accepted : refused);
    };
    for (int i = 0; i < 40; ++i) {
      if (!rig.run_ms(50)) return;
      give(i);
      // A connection that goes while the command is under way.
      if (i % 10 == 9) rig.network().cut_all();
      if (i % 10 == 4) rig.probe().cancel(rig.now_ns());
    }
    const std::uint64_t before = rig.probe().safe_done;
    rig.probe().safe(rig.now_ns());
    if (!rig.run_ms(30'000)) return;
    const auto open = std::count_if(rig.probe().commands.begin(), rig.probe().commands.end(),
                                    [](const auto& command) { return command.second == 0; });
    if (open != 0) {
      trial.find(text("%d accepted commands have no command_done after 30 s: %s",
                      static_cast<int>(open), name_of(manner)));
    }
    if (rig.probe().safe_done == before)
      trial.find(text("no safe_done within 30 s after safe(): %s", name_of(manner)));
    rig.stop();
  }
  if (outputs == 0) {
    trial.skip("safe() is answered; the config white-lists no output to command: see --config");
  } else {
    trial.note(text("%d commands accepted, %d refused", accepted, refused));
    if (accepted == 0)
      trial.skip(
          "safe() is answered; no command was accepted: give the device's answers, --dialog");
  }
}

}  // namespace rise::kit
