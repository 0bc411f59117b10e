#include "plugins/cli/trace.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <fstream>

#include "rt_core/cycle/flight.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace rise::cli {

namespace json = boost::json;
using cycle::Phase;

namespace {

enum Track : int { kWait = 0, kPhases = 1, kDrivers = 2 };

json::object name_of(const char* kind, std::uint32_t lane, int track, const std::string& name) {
  return {
      {"ph", "M"}, {"name", kind}, {"pid", lane + 1}, {"tid", track}, {"args", {{"name", name}}}};
}

json::object span(const char* name, std::uint32_t lane, int track, std::int64_t start_ns,
                  std::int64_t ns) {
  return {{"ph", "X"},
          {"name", name},
          {"pid", lane + 1},
          {"tid", track},
          {"ts", static_cast<double>(start_ns) / 1000},
          {"dur", static_cast<double>(ns) / 1000}};
}

void add_cycle(const cycle::FlightRecord& record, std::uint32_t lane,
               const std::vector<std::string>& machines, json::array* events) {
  const cycle::CycleTimes& t = record.times;
  json::object wait =
      span(t.late ? "LATE" : "wake-up", lane, kWait, t.deadline_ns, t.wake_ns - t.deadline_ns);
  wait["args"] = {{"cycle", t.cycle},
                  {"skipped", t.skipped},
                  {"slowest", t.slowest < machines.size() ? machines[t.slowest] : ""}};
  events->push_back(wait);
  struct Part {
    Phase phase;
    const char* name;
  };
  constexpr Part kLate[] = {{Phase::Step, "step"},
                            {Phase::Judge, "judge"},
                            {Phase::Exchange, "exchange"},
                            {Phase::Publish, "publish"}};
  constexpr Part kFirst[] = {{Phase::Exchange, "exchange"},
                             {Phase::Step, "step"},
                             {Phase::Judge, "judge"},
                             {Phase::Publish, "publish"}};
  std::int64_t at = t.wake_ns;
  for (const Part& part : t.exchange_first ? kFirst : kLate) {
    const std::int64_t ns = t.phase_ns[static_cast<std::size_t>(part.phase)];
    events->push_back(span(part.name, lane, kPhases, at, ns));
    at += ns;
  }
  // Only the sum over all phases is known per driver: drawn one after the other, longest ones tell.
  at = t.wake_ns;
  for (std::size_t i = 0; i < machines.size() && i < record.drivers_ns.size(); ++i) {
    if (record.drivers_ns[i] == 0) continue;
    events->push_back(span(machines[i].c_str(), lane, kDrivers, at, record.drivers_ns[i]));
    at += record.drivers_ns[i];
  }
}

}  // namespace

int trace(const TraceOptions& options) {
  auto region = shm::attach(options.region, shm::Access::ReadOnly);
  if (!region) {
    std::fprintf(stderr, "rise trace: %s\n", region.error().c_str());
    return 3;
  }
  json::array events;
  std::size_t cycles = 0;
  const auto lanes = region->table<message::CoreHealth>(shm::SectionKind::Lanes);
  const auto entries = region->table<message::MachineEntry>(shm::SectionKind::Machines);
  for (std::uint32_t lane = 0; lane < region->lane_count(); ++lane) {
    std::vector<std::string> machines;
    for (const message::MachineEntry& entry : entries) {
      if (entry.lane() == lane) machines.emplace_back(message::get_text(entry.name()));
    }
    events.push_back(name_of("process_name", lane, 0,
                             "lane " + std::string(message::get_text(lanes[lane].name()))));
    events.push_back(name_of("thread_name", lane, kWait, "release"));
    events.push_back(name_of("thread_name", lane, kPhases, "phases"));
    events.push_back(name_of("thread_name", lane, kDrivers, "drivers (sum per cycle)"));
    shm::RingShape shape;
    const shm::Word* memory = region->ring(
        options.late_only ? shm::SectionKind::Late : shm::SectionKind::Flight, lane, &shape);
    shm::BroadcastReader<> reader(memory, shape, 0);
    reader.seek(reader.oldest());
    std::vector<shm::Word> record(shape.payload_words);
    for (std::size_t i = 0; i < shape.capacity && reader.next(record.data()); ++i, ++cycles) {
      add_cycle(cycle::decode_flight(record.data(), record.size()), lane, machines, &events);
    }
  }
  std::ofstream file(options.file);
  file << json::serialize(
              json::object{{"displayTimeUnit", "ns"}, {"traceEvents", std::move(events)}})
       << "\n";
  if (!file) {
    std::fprintf(stderr, "rise trace: %s cannot be written\n", options.file.c_str());
    return 1;
  }
  std::printf("%zu cycles in %s; open it with ui.perfetto.dev or chrome://tracing\n", cycles,
              options.file.c_str());
  return 0;
}

}  // namespace rise::cli
