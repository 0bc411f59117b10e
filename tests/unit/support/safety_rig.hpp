// A supervisor with an actuator that only remembers, and what it told the world.
#pragma once

#include <CppUTest/TestHarness.h>

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rt_core/message/text.hpp"
#include "rt_core/safety/supervisor.hpp"
#include "tests/unit/support/shared_region.hpp"

namespace rise::test {

struct FakeActuator {
  std::vector<rise_command> commands;
  std::vector<std::int32_t> safes;     // their reasons
  std::vector<std::uint64_t> cancels;  // their commands, 0 = all
  bool drops = false;                  // what is cancelled was not yet sent
  std::int32_t answer = RISE_OK;
  std::size_t busy_after = std::numeric_limits<std::size_t>::max();  // then RISE_E_AGAIN
  // Answers from inside the call, as a driver may.
  std::optional<std::uint32_t> outcome_at_once;
  safety::Supervisor* supervisor = nullptr;

  safety::Actuator table() {
    return {this,
            [](void* self, const rise_command& command, std::int64_t) {
              return static_cast<FakeActuator*>(self)->take(command);
            },
            [](void* self, std::int32_t reason, std::int64_t) {
              static_cast<FakeActuator*>(self)->safes.push_back(reason);
            },
            [](void* self, std::uint64_t id, std::int64_t) {
              static_cast<FakeActuator*>(self)->cancel(id);
            }};
  }

 private:
  std::int32_t take(const rise_command& command) {
    if (commands.size() >= busy_after) return RISE_E_AGAIN;
    commands.push_back(command);
    if (outcome_at_once) supervisor->command_done(command.id, *outcome_at_once, command.value, 0);
    return answer;
  }
  void cancel(std::uint64_t id) {
    cancels.push_back(id);
    if (!drops) return;
    for (const rise_command& command : std::vector(commands)) {
      if (id != 0 && command.id != id) continue;
      supervisor->command_done(command.id, RISE_COMMAND_DROPPED, 0, 0);
    }
  }
};

class SafetyRig {
 public:
  static constexpr std::int64_t kMs = 1'000'000;
  static constexpr std::uint16_t kMachine = 1;

  SafetyRig() {
    spec.machine = kMachine;
    spec.outputs = {{0, 100, 0}, {-10, 10, 2}};
  }
  // With what stands in `spec` now.
  void make() {
    region = shm::OwnedRegion();
    region = make_region(small_plan(directory.path()));
    outlet = shm::Outlet(region, 0);
    outlet.begin_cycle(0, now_ns, 0);
    supervisor.emplace(spec, actuator.table(), &outlet);
    actuator.supervisor = &*supervisor;
  }
  // One judge phase, a millisecond later.
  void judge() {
    now_ns += kMs;
    outlet.begin_cycle(++cycle, now_ns, 0);
    if (samples) supervisor->sampled(now_ns);
    for (const auto& [signal, value] : values) supervisor->value(signal, value, now_ns);
    supervisor->judge(lane, {link_up, driver_running}, now_ns);
  }
  void judge(int times) {
    for (int i = 0; i < times; ++i) judge();
  }
  // A command that passed the gate; what its first result says.
  message::CommandResult send(message::CommandKind kind, std::uint16_t output = 0, double value = 0,
                              message::Approval approval = message::Approval::Approved) {
    message::Command command;
    command.mutate_sequence(++sequence);
    command.mutate_issued_mono_ns(now_ns - 5);
    command.mutate_ttl_ns(static_cast<std::uint64_t>(ttl_ns));
    command.mutate_kind(kind);
    command.mutate_machine(kMachine);
    command.mutate_output(output);
    command.mutate_value(value);
    command.mutate_approval(approval);
    message::set_text(command.mutable_approver(), "anna");
    const std::size_t before = results().size();
    supervisor->command(command, now_ns);
    const auto all = results();
    return all.size() > before ? all[before] : message::CommandResult();
  }
  message::Refusal refusal(message::CommandKind kind, std::uint16_t output = 0, double value = 0) {
    const message::CommandResult result = send(kind, output, value);
    const bool refused = result.outcome() == message::Outcome::Refused;
    CHECK(refused == (result.refusal() != message::Refusal::None));
    return result.refusal();
  }
  void arm() {
    judge();
    CHECK(send(message::CommandKind::Arm).outcome() == message::Outcome::Accepted);
    CHECK(state() == message::SafetyState::Armed);
  }
  // Sets an output, and the device takes it.
  void apply(std::uint16_t output, double value, message::Approval approval) {
    CHECK(send(message::CommandKind::SetOutput, output, value, approval).outcome() ==
          message::Outcome::Accepted);
    done(RISE_COMMAND_APPLIED, value);
  }
  // The driver answers its latest command.
  std::int32_t done(std::uint32_t outcome, double value, std::int32_t detail = 0) {
    return supervisor->command_done(actuator.commands.back().id, outcome, value, detail);
  }
  [[nodiscard]] message::SafetyState state() const { return supervisor->channel().state(); }
  [[nodiscard]] message::TripReason reason() const { return supervisor->channel().reason(); }
  [[nodiscard]] std::vector<message::CommandResult> results() const { return all_results(region); }
  [[nodiscard]] message::CommandResult last_result() const {
    const auto all = results();
    return all.empty() ? message::CommandResult() : all.back();
  }
  [[nodiscard]] std::vector<message::MachineEvent> events(message::EventKind kind) const {
    std::vector<message::MachineEvent> some;
    for (const auto& event : all_events(region)) {
      if (event.kind() == kind) some.push_back(event);
    }
    return some;
  }

  TempDirectory directory;
  shm::OwnedRegion region;
  shm::Outlet outlet;
  FakeActuator actuator;
  safety::SupervisorSpec spec;
  std::optional<safety::Supervisor> supervisor;
  safety::Conditions lane{.sidecar_alive = true};
  bool link_up = true;
  bool driver_running = true;
  bool samples = true;                     // a fresh one in every cycle
  std::map<std::uint16_t, double> values;  // likewise, by signal
  std::int64_t ttl_ns = 100'000'000'000;   // of commands
  std::int64_t now_ns = 1'000'000'000'000;
  std::uint64_t cycle = 0;
  std::uint64_t sequence = 0;
};

}  // namespace rise::test
