// A CoreView as JSON, for scripts. Times are in nanoseconds unless the name says otherwise. The
// buckets of a histogram are [lowest, highest, count] of those that hold anything; the last one of
// all holds what is above, too.

#include <boost/json.hpp>

#include "plugins/cli/top.hpp"

namespace rise::cli {

namespace json = boost::json;
using message::DriverCounter;
using message::LaneCounter;
using message::LaneHistogram;

namespace {

json::object to_json(const Percentiles& p, Histograms histograms) {
  json::object out{{"count", p.count},
                   {"p50_ns", p.p50_ns},
                   {"p99_ns", p.p99_ns},
                   {"p999_ns", p.p999_ns},
                   {"max_ns", p.max_ns}};
  if (histograms == Histograms::Whole) {
    json::array buckets;
    for (const Bucket& b : p.buckets) {
      buckets.push_back(json::array{b.lowest_ns, b.highest_ns, b.count});
    }
    out["buckets"] = std::move(buckets);
  }
  return out;
}

// "SkippedCycles" -> "skipped_cycles"
std::string snake(const char* name) {
  std::string out;
  for (; *name != '\0'; ++name) {
    if (*name >= 'A' && *name <= 'Z') {
      if (!out.empty()) out += '_';
      out += static_cast<char>(*name - 'A' + 'a');
    } else {
      out += *name;
    }
  }
  return out;
}

json::object to_json(const LaneView& lane, Histograms wanted) {
  json::object counters;
  for (const LaneCounter which : message::EnumValuesLaneCounter()) {
    if (which == LaneCounter::Limit) continue;
    counters[snake(message::EnumNameLaneCounter(which))] =
        lane.counters[static_cast<std::size_t>(which)];
  }
  json::object histograms;
  for (std::size_t h = 0; h < std::size(lane.histograms); ++h) {
    histograms[snake(message::EnumNameLaneHistogram(static_cast<LaneHistogram>(h)))] =
        to_json(lane.histograms[h], wanted);
  }
  return {{"name", lane.name},
          {"cpu", lane.cpu},
          {"scheduling", lane.fifo ? "fifo" : "ordinary"},
          {"priority", lane.priority},
          {"running", lane.running},
          {"memory_locked", lane.memory_locked},
          {"dma_latency_held", lane.dma_latency_held},
          {"period_ns", lane.period_ns},
          {"io", lane.io},
          {"shortfall", lane.shortfall},
          {"counters", std::move(counters)},
          {"histograms", std::move(histograms)}};
}

json::object to_json(const SignalView& signal) {
  json::object out{{"unit", signal.unit}, {"valid", signal.valid}};
  if (!signal.valid) {
    out["value"] = nullptr;
  } else if (signal.type == message::SignalType::Text) {
    out["value"] = signal.text;
  } else {
    out["value"] = signal.value;
    if (signal.type == message::SignalType::Choice) {
      out["name"] = choice_name(signal.choices, signal.value);
    }
  }
  out["age_ns"] = signal.age_ns;
  return out;
}

json::object to_json(const MachineView& machine, Histograms wanted) {
  json::object signals;
  for (const SignalView& signal : machine.signals) signals[signal.name] = to_json(signal);
  json::object counters;
  for (const DriverCounter which : message::EnumValuesDriverCounter()) {
    if (which == DriverCounter::Limit) continue;
    counters[snake(message::EnumNameDriverCounter(which))] =
        machine.counters[static_cast<std::size_t>(which)];
  }
  json::array alarms;
  const std::uint32_t listed = std::min<std::uint32_t>(machine.state.alarm_count(), 8);
  for (std::uint32_t i = 0; i < listed; ++i) {
    const message::AlarmState* alarm = machine.state.alarms()->Get(i);
    alarms.push_back({{"number", alarm->number()},
                      {"type", alarm->type()},
                      {"path", alarm->path()},
                      {"axis", alarm->axis()},
                      {"text", std::string(reinterpret_cast<const char*>(alarm->text()->data()),
                                           alarm->text_length())}});
  }
  return {{"name", machine.name},
          {"driver", machine.driver},
          {"lane", machine.lane},
          {"link", snake(message::EnumNameLinkState(machine.state.link()))},
          {"endpoint", machine.state.endpoint()},
          {"safety", snake(message::EnumNameSafetyState(machine.state.safety()))},
          {"trip_reason", snake(message::EnumNameTripReason(machine.state.trip_reason()))},
          {"safe_confirmed", machine.state.safe_confirmed()},
          {"driver_state", snake(message::EnumNameDriverState(machine.state.driver()))},
          {"samples_per_second", machine.samples_per_second},
          {"alarms", std::move(alarms)},
          {"counters", std::move(counters)},
          {"step", to_json(machine.step, wanted)},
          {"round_trip", to_json(machine.round_trip, wanted)},
          {"signals", std::move(signals)}};
}

}  // namespace

std::string render_json(const CoreView& view, Histograms histograms) {
  json::array lanes;
  for (const LaneView& lane : view.lanes) lanes.push_back(to_json(lane, histograms));
  json::array machines;
  for (const MachineView& machine : view.machines) machines.push_back(to_json(machine, histograms));
  json::array readers;
  for (const ReaderView& reader : view.readers) {
    readers.push_back({{"name", reader.name},
                       {"pid", reader.pid},
                       {"alive", reader.alive},
                       {"frames", reader.frames},
                       {"lost", reader.lost},
                       {"backlog", reader.backlog}});
  }
  json::array events;
  for (const EventView& event : view.events) {
    events.push_back({{"utc_ns", event.utc_ns},
                      {"who", event.who},
                      {"text", event.text},
                      {"severity", snake(message::EnumNameSeverity(event.severity))}});
  }
  json::value sidecar;
  if (view.sidecar && view.sidecar->answers) sidecar = json::parse(view.sidecar->json);
  return json::serialize(json::object{{"core", view.name},
                                      {"pid", view.pid},
                                      {"uptime_s", view.uptime_s},
                                      {"region_bytes", view.region_bytes},
                                      {"stop_word", view.stop_word},
                                      {"lanes", std::move(lanes)},
                                      {"machines", std::move(machines)},
                                      {"readers", std::move(readers)},
                                      {"events", std::move(events)},
                                      {"sidecar", std::move(sidecar)}});
}

}  // namespace rise::cli
