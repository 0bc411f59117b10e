// A core before it runs: the region and everything in it, lanes, ports, recorders.
#include "rt_core/core/core.hpp"
#include "rt_core/guard/realtime.hpp"
#include "rt_core/message/text.hpp"
#include "schema_hash.hpp"

namespace rise::core {

namespace {

// As the real ports do: the lane's UDP ports are numbered machine by machine.
void bind_simulated(const io::DatagramPort& port, const std::vector<driver::Instance*>& machines) {
  if (port.self == nullptr) return;
  std::int32_t next = 0;
  for (driver::Instance* machine : machines) {
    std::vector<std::int32_t> numbers;
    for (std::size_t i = 0; i < machine->datagram_ports().size(); ++i) numbers.push_back(next++);
    machine->bind_datagrams(port, std::move(numbers));
  }
}

}  // namespace

Result<std::unique_ptr<Core>> Core::make(plan::Plan plan, const CoreOptions& options) {
  std::unique_ptr<Core> core(new Core(std::move(plan)));
  // Threads made from here on, the ports' helpers and the lanes alike, start off the lanes' cores;
  // a lane then goes to its own.
  if (!options.port) core->leave_lane_cpus();
  std::uint16_t first_text = 0;  // the plan has checked that all texts together fit
  for (const auto& machine : core->plan_.machines) {
    machine->lay_out(first_text);
    first_text = static_cast<std::uint16_t>(first_text + machine->signals().text_count());
  }
  // Pages per group are known only after laying out.
  shm::RegionPlan region = plan::region_plan(core->plan_);
  region.directory = options.directory;
  Result<shm::OwnedRegion> made = shm::OwnedRegion::create(region);
  if (!made) return Failure{made.error()};
  core->region_ = std::move(*made);
  if (options.predecessor) core->region_.assume(*options.predecessor);
  core->fill_directory();
  core->update_clock_offset();
  for (std::size_t i = 0; i < core->plan_.lanes.size(); ++i) {
    if (Result<Done> lane = core->make_lane(i, options); !lane) return Failure{lane.error()};
  }
  for (const auto& machine : core->plan_.machines) core->caretaker_.look_after(machine.get());
  if (const std::string& why = core->region_.hugepages_refused(); !why.empty()) {
    for (std::size_t i = 0; i < core->lanes_.size(); ++i) {
      core->shortfall(i,
                      "no huge pages for the region, in " + options.directory + " instead: " + why);
    }
  }
  return core;
}

void Core::leave_lane_cpus() {
  std::vector<int> lane_cpus;
  for (const plan::LaneChoice& lane : plan_.lanes) {
    if (lane.cpu >= 0) lane_cpus.push_back(lane.cpu);
  }
  guard::avoid_cpus(lane_cpus);
}

// Names, units, limits: everything about machines and signals that does not change while the core
// runs.
void Core::fill_directory() {
  const auto machines = region_.table<message::MachineEntry>(shm::SectionKind::Machines);
  const auto signals = region_.table<message::SignalEntry>(shm::SectionKind::Signals);
  const auto outputs = region_.table<message::OutputEntry>(shm::SectionKind::Outputs);
  std::size_t next_signal = 0;
  std::size_t next_output = 0;
  std::size_t next_text = 0;
  for (std::size_t i = 0; i < plan_.machines.size(); ++i) {
    const driver::Instance& machine = *plan_.machines[i];
    const driver::InstanceSpec& spec = machine.spec();
    message::MachineEntry& entry = machines[i];
    message::set_text(entry.mutable_name(), spec.name);
    message::set_text(entry.mutable_driver(), spec.driver->name);
    message::set_text(entry.mutable_driver_version(), spec.driver->version);
    entry.mutate_lane(spec.lane);
    entry.mutate_first_text(static_cast<std::uint16_t>(next_text));
    entry.mutate_first_signal(static_cast<std::uint32_t>(next_signal));
    entry.mutate_signal_count(static_cast<std::uint16_t>(machine.signals().count()));
    entry.mutate_page_count(static_cast<std::uint16_t>(machine.signals().page_count()));
    entry.mutate_first_output(static_cast<std::uint16_t>(next_output));
    entry.mutate_output_count(static_cast<std::uint16_t>(spec.outputs.size()));
    for (const message::SignalEntry& signal : machine.signals().entries()) {
      signals[next_signal++] = signal;
    }
    for (std::size_t o = 0; o < spec.outputs.size(); ++o) {
      message::OutputEntry& output = outputs[next_output++];
      message::set_text(output.mutable_name(), spec.outputs[o].name);
      message::set_text(output.mutable_target(), spec.outputs[o].target);
      output.mutate_min(spec.outputs[o].limits.min);
      output.mutate_max(spec.outputs[o].limits.max);
      output.mutate_max_step(spec.outputs[o].limits.max_step);
      output.mutate_machine(spec.machine);
      output.mutate_number(static_cast<std::uint16_t>(o));
    }
    next_text += machine.signals().text_count();
  }
}

Result<Done> Core::make_lane(std::size_t i, const CoreOptions& options) {
  const plan::LaneChoice& choice = plan_.lanes[i];
  lanes_.push_back(std::make_unique<LaneParts>());
  LaneParts& parts = *lanes_.back();
  std::vector<driver::Instance*> mine;
  std::vector<driver::Instance*> by_machine(plan_.machines.size(), nullptr);
  for (const auto& machine : plan_.machines) {
    if (machine->spec().lane != i) continue;
    mine.push_back(machine.get());
    by_machine[machine->spec().machine] = machine.get();
  }
  message::CoreHealth& health = region_.table<message::CoreHealth>(shm::SectionKind::Lanes)[i];
  health.mutate_lane(static_cast<std::uint16_t>(i));
  health.mutate_machines(static_cast<std::uint16_t>(mine.size()));
  health.mutate_cpu(static_cast<std::int16_t>(choice.cpu));
  health.mutate_period_ns(choice.spec.period_ns);
  message::set_text(health.mutable_name(), choice.name);

  const auto index = static_cast<std::uint32_t>(i);
  cycle::Clock clock = options.clock != nullptr ? *options.clock : parts.clock.table();
  if (!choice.record.empty()) make_recorder(i, options, clock);
  record::Tap* tap = parts.recorder != nullptr ? &parts.recorder->tap() : nullptr;
  if (tap != nullptr) clock = tap->wrap(clock);
  parts.lane = std::make_unique<cycle::Lane>(choice.spec, region_, clock, &inputs_);
  io::StreamSink sink = parts.lane->sink();
  io::DatagramSink datagram_sink = parts.lane->datagram_sink();
  if (tap != nullptr) {
    sink = tap->wrap(sink);
    datagram_sink = tap->wrap(datagram_sink);
  }
  if (options.port) {
    parts.ports.adopt(options.port(index, sink), options.datagrams
                                                     ? options.datagrams(index, datagram_sink)
                                                     : io::DatagramPort{});
    bind_simulated(parts.ports.datagrams(), mine);
  } else {
    Result<Done> opened = parts.ports.open(plan_, i, mine, sink, datagram_sink);
    if (!opened) return opened;
    shortfall(i, parts.ports.shortfall());
  }
  message::set_text(health.mutable_io(), parts.ports.text());
  io::StreamPort streams = parts.ports.streams();
  io::DatagramPort datagrams = parts.ports.datagrams();
  if (tap != nullptr) {
    streams = tap->wrap(streams);
    datagrams = tap->wrap(datagrams);
  }
  const auto drivers = region_.table<message::DriverHealth>(shm::SectionKind::Drivers);
  for (driver::Instance* machine : mine) {
    machine->bind(parts.lane->outlet(), streams, &drivers[machine->spec().machine], clock.stamp,
                  clock.self);
    if (tap != nullptr && datagrams.self != nullptr) machine->rebind_datagrams(datagrams);
  }
  parts.lane->bind(streams, datagrams, std::move(mine), std::move(by_machine));
  if (tap != nullptr) parts.lane->watch(tap->witness());
  if (options.witness) parts.lane->watch(options.witness(index));
  return Done{};
}

// A recording that cannot be made is no reason not to run the machines.
void Core::make_recorder(std::size_t i, const CoreOptions& options, const cycle::Clock& clock) {
  const plan::LaneChoice& choice = plan_.lanes[i];
  record::RecorderSpec spec;
  spec.path = choice.record;
  spec.max_bytes = choice.record_max_bytes;
  record::Head& head = spec.head;
  head.schema_hash = message::kSchemaHash;
  head.abi_major = RISE_ABI_MAJOR;
  head.abi_minor = RISE_ABI_MINOR;
  head.lane = static_cast<std::uint32_t>(i);
  head.period_ns = choice.spec.period_ns;
  head.seed = plan_.seed;
  head.started_mono_ns = clock.now(clock.self);
  head.started_utc_ns =
      head.started_mono_ns + inputs_.utc_offset_ns.load(std::memory_order_relaxed);
  const shm::Predecessor& before = region_.predecessor();
  head.unclean = before.unclean;
  head.tripped = before.tripped;
  head.stop_word = before.stop_word;
  head.core = plan_.name;
  head.lane_name = choice.name;
  head.config = options.config;
  for (const auto& machine : plan_.machines) {
    const driver::InstanceSpec& its = machine->spec();
    if (its.lane != i) continue;
    head.machines.push_back({its.machine, its.name, its.driver->name, its.driver->version});
  }
  auto opened = record::Recorder::open(std::move(spec), region_);
  if (!opened) {
    shortfall(i, "not recorded: " + opened.error());
    return;
  }
  lanes_[i]->recorder = std::move(*opened);
  if (options.port) return;  // a simulation, which calls pump() itself
  if (Result<Done> started = lanes_[i]->recorder->start(); !started) {
    shortfall(i, "not recorded: " + started.error());
    lanes_[i]->recorder.reset();
  }
}

}  // namespace rise::core
