// A CoreView as text: for the screen and for plain lines.

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <string_view>

#include "plugins/cli/terminal.hpp"
#include "plugins/cli/top.hpp"

namespace rise::cli {

using message::DriverCounter;
using message::DriverState;
using message::LaneCounter;
using message::LaneHistogram;
using message::LinkState;
using message::SafetyState;

namespace {

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

std::string micros(std::uint64_t ns) {
  return ns < 10'000 ? format("%.2f", static_cast<double>(ns) / 1000)
                     : format("%.0f", static_cast<double>(ns) / 1000);
}

std::string clock_time(std::int64_t utc_ns) {
  const std::time_t seconds = utc_ns / 1'000'000'000;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &local);
  return text;
}

std::uint64_t counter(const LaneView& lane, LaneCounter which) {
  return lane.counters[static_cast<std::size_t>(which)];
}
std::uint64_t counter(const MachineView& machine, DriverCounter which) {
  return machine.counters[static_cast<std::size_t>(which)];
}
const Percentiles& histogram(const LaneView& lane, LaneHistogram which) {
  return lane.histograms[static_cast<std::size_t>(which)];
}

std::string value_of(const MachineView& machine, const std::string& signal) {
  const SignalView* found = machine.find(signal);
  return found == nullptr ? "-" : value_text(*found);
}

std::string link_text(const MachineView& machine) {
  if (machine.state.driver() == DriverState::Benched)
    return tone(Tone::Bad, format("%-10s", "BENCHED"));
  switch (machine.state.link()) {
    case LinkState::Up:
      return tone(Tone::Good, format("%-10s", machine.state.endpoint() == 0 ? "up" : "up-backup"));
    case LinkState::Connecting: return tone(Tone::Warning, format("%-10s", "connecting"));
    default: return tone(Tone::Bad, format("%-10s", "down"));
  }
}

std::string safety_text(const MachineView& machine) {
  const SafetyState state = machine.state.safety();
  const std::string name = format("%-9s", message::EnumNameSafetyState(state));
  if (state == SafetyState::Tripped) return tone(Tone::Bad, name);
  return tone(state == SafetyState::Armed ? Tone::Good : Tone::Plain, name);
}

std::string header(const CoreView& view) {
  std::string text = tone(Tone::Bold, "RISE-RT " + view.name) +
                     format("  core %u, up %.0f s, region %.1f MiB", view.pid, view.uptime_s,
                            static_cast<double>(view.region_bytes) / (1 << 20));
  for (const ReaderView& reader : view.readers) {
    text +=
        format(", %s %s: %llu frames, %llu lost", reader.name.c_str(),
               reader.alive ? "reads" : "IS GONE", static_cast<unsigned long long>(reader.frames),
               static_cast<unsigned long long>(reader.lost));
  }
  if (view.stop_word != 0) text += "  " + tone(Tone::Bad, "STOP WORD IS SET");
  return text + "\n";
}

std::string lane_lines(const CoreView& view) {
  std::string text =
      tone(Tone::Dim,
           "LANE         CPU SCHED   PERIOD   CYCLES  OVERRUN SKIPPED  WAKE us p50/p99/p99.9/"
           "max   STEP  JUDGE EXCHANGE PUBLISH   CYCLE us p99  FAULTS\n");
  for (const LaneView& lane : view.lanes) {
    const Percentiles& wake = histogram(lane, LaneHistogram::Wakeup);
    text += format("%-12s %3d %-7s %5.0fus %8llu %8llu %7llu  ", lane.name.c_str(), lane.cpu,
                   lane.fifo ? format("FIFO%d", lane.priority).c_str() : "OTHER",
                   static_cast<double>(lane.period_ns) / 1000,
                   static_cast<unsigned long long>(counter(lane, LaneCounter::Cycles)),
                   static_cast<unsigned long long>(counter(lane, LaneCounter::Overruns)),
                   static_cast<unsigned long long>(counter(lane, LaneCounter::SkippedCycles)));
    text += format("%-25s %6s %6s %8s %7s %7s %14llu",
                   (micros(wake.p50_ns) + "/" + micros(wake.p99_ns) + "/" + micros(wake.p999_ns) +
                    "/" + micros(wake.max_ns))
                       .c_str(),
                   micros(histogram(lane, LaneHistogram::Step).p99_ns).c_str(),
                   micros(histogram(lane, LaneHistogram::Judge).p99_ns).c_str(),
                   micros(histogram(lane, LaneHistogram::Exchange).p99_ns).c_str(),
                   micros(histogram(lane, LaneHistogram::Publish).p99_ns).c_str(),
                   micros(histogram(lane, LaneHistogram::Cycle).p99_ns).c_str(),
                   static_cast<unsigned long long>(counter(lane, LaneCounter::PageFaults)));
    if (counter(lane, LaneCounter::Degraded) != 0) text += " " + tone(Tone::Warning, "DEGRADED");
    text += "\n";
    if (!lane.shortfall.empty()) {
      text += "  " + tone(Tone::Bad, "does without: " + lane.shortfall) + "\n";
    }
  }
  return text;
}

std::string machine_lines(const CoreView& view, std::size_t selected, bool mark) {
  std::string text =
      tone(Tone::Dim,
           "  MACHINE      LINK       SAFETY    MODE/RUN           PROGRAM  FEED    SPINDLE LOAD%  "
           "SWEEPS/s  RTT us p50/p99   STEP us p99  ERRORS\n");
  for (std::size_t i = 0; i < view.machines.size(); ++i) {
    const MachineView& m = view.machines[i];
    const std::string mode = value_of(m, "status.mode") + "/" + value_of(m, "status.run");
    const std::uint64_t errors =
        counter(m, DriverCounter::BadFrames) + counter(m, DriverCounter::Timeouts);
    text += (mark && i == selected ? tone(Tone::Bold, "> ") : "  ") +
            format("%-12s ", m.name.c_str()) + link_text(m) + " " + safety_text(m) + " " +
            format("%-18s %-8s %-7s %-7s %-6s %8.1f  %-15s %-12s %llu", mode.c_str(),
                   value_of(m, "program.running").c_str(), value_of(m, "feed.actual").c_str(),
                   value_of(m, "spindle.0.speed").c_str(), value_of(m, "spindle.0.load").c_str(),
                   m.samples_per_second,
                   (micros(m.round_trip.p50_ns) + "/" + micros(m.round_trip.p99_ns)).c_str(),
                   micros(m.step.p99_ns).c_str(), static_cast<unsigned long long>(errors)) +
            "\n";
    if (m.state.safety() == SafetyState::Tripped) {
      text += "    " +
              tone(Tone::Bad,
                   std::string("tripped: ") + message::EnumNameTripReason(m.state.trip_reason()) +
                       (m.state.safe_confirmed() == 1 ? ", safe outputs confirmed"
                                                      : ", safe outputs NOT confirmed")) +
              "\n";
    }
  }
  return text;
}

std::string alarm_lines(const CoreView& view) {
  std::string text;
  for (const MachineView& m : view.machines) {
    const std::uint32_t listed = std::min<std::uint32_t>(m.state.alarm_count(), 8);
    for (std::uint32_t i = 0; i < listed; ++i) {
      const message::AlarmState* alarm = m.state.alarms()->Get(i);
      text += "  " +
              tone(Tone::Bad,
                   format("%-12s alarm %d (type %d%s%s) %.*s", m.name.c_str(), alarm->number(),
                          alarm->type(),
                          alarm->path() > 0 ? format(", path %d", alarm->path()).c_str() : "",
                          alarm->axis() > 0 ? format(", axis %d", alarm->axis()).c_str() : "",
                          static_cast<int>(alarm->text_length()),
                          reinterpret_cast<const char*>(alarm->text()->data()))) +
              "\n";
    }
  }
  return text.empty() ? "" : tone(Tone::Dim, "ALARMS\n") + text;
}

std::string signal_lines(const MachineView& machine, int rows) {
  std::string text = tone(Tone::Dim, "SIGNALS of " + machine.name + "\n");
  const int columns = 3;
  const int needed = (static_cast<int>(machine.signals.size()) + columns - 1) / columns;
  const int used = std::min(needed, std::max(rows, 1));
  for (int row = 0; row < used; ++row) {
    for (int column = 0; column < columns; ++column) {
      const auto at = static_cast<std::size_t>(row + column * needed);
      if (at >= machine.signals.size()) continue;
      const SignalView& signal = machine.signals[at];
      std::string shown = value_text(signal) + " " + signal.unit;
      if (shown.size() > 20) shown = shown.substr(0, 19) + "~";
      text += format("  %-24s ", signal.name.c_str()) +
              tone(signal.valid ? Tone::Plain : Tone::Dim, format("%-20s", shown.c_str()));
    }
    text += "\n";
  }
  return text;
}

// One line: where the axes are, or, of a machine without axes, the first signals that it has.
std::string signal_line(const MachineView& machine) {
  constexpr std::string_view kPosition = ".position";
  constexpr int kMost = 8;
  std::string axes;
  std::string others;
  int count = 0;
  for (const SignalView& signal : machine.signals) {
    const std::string shown = value_text(signal) + " " + signal.unit;
    if (signal.name.ends_with(kPosition)) {
      axes += "  " + signal.name.substr(0, signal.name.size() - kPosition.size()) + " " + shown;
    } else if (signal.valid && count++ < kMost) {
      others += "  " + signal.name + " " + shown;
    }
  }
  return format("  %-12s", machine.name.c_str()) + (axes.empty() ? others : axes);
}

std::string event_lines(const CoreView& view, int rows) {
  std::string text = tone(Tone::Dim, "EVENTS\n");
  const auto shown = static_cast<std::size_t>(std::max(rows, 1));
  const std::size_t first = view.events.size() > shown ? view.events.size() - shown : 0;
  for (std::size_t i = first; i < view.events.size(); ++i) {
    const EventView& event = view.events[i];
    const Tone how = event.severity == message::Severity::Error     ? Tone::Bad
                     : event.severity == message::Severity::Warning ? Tone::Warning
                                                                    : Tone::Plain;
    text += "  " + clock_time(event.utc_ns) + " " +
            tone(how, format("%-12s %s", event.who.c_str(), event.text.c_str())) + "\n";
  }
  return text;
}

int lines_in(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

std::string sidecar_lines(const CoreView& view) {
  if (!view.sidecar) return "";
  const SidecarView& sidecar = *view.sidecar;
  if (!sidecar.answers) return tone(Tone::Dim, "BUS  no sidecar answers") + "\n";
  const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::string text =
      tone(Tone::Dim, "BUS") +
      format("  %.0f messages/s, %llu published, %llu wait, %llu dropped, %llu refused",
             sidecar.published_per_s, number(sidecar.published), number(sidecar.waiting),
             number(sidecar.dropped), number(sidecar.refused));
  const std::string letters = format(", %llu dead letters", number(sidecar.dead_letters));
  text += sidecar.dead_letters == 0 ? letters : tone(Tone::Warning, letters);
  for (const PluginLine& plugin : sidecar.plugins) {
    const bool well = plugin.state == "running" && plugin.health == "good";
    text += "  " + plugin.name + " " +
            tone(well ? Tone::Good : Tone::Bad,
                 plugin.state == "running" ? plugin.health : plugin.state);
    if (!plugin.text.empty()) text += " (" + plugin.text.substr(0, 60) + ")";
  }
  return text + "\n";
}

}  // namespace

std::string render_screen(const CoreView& view, std::size_t selected, int rows) {
  constexpr int kEventRows = 5;
  std::string text = header(view) + sidecar_lines(view) + lane_lines(view) +
                     machine_lines(view, selected, true) + alarm_lines(view);
  if (selected < view.machines.size()) {
    text += signal_lines(view.machines[selected], rows - lines_in(text) - kEventRows - 4);
  }
  text += event_lines(view, std::max(kEventRows, rows - lines_in(text) - 2));
  return text + tone(Tone::Dim, "q quit   up/down choose a machine");
}

std::string render_lines(const CoreView& view) {
  std::string text = header(view) + sidecar_lines(view) + lane_lines(view) +
                     machine_lines(view, 0, false) + alarm_lines(view);
  for (const MachineView& machine : view.machines) text += signal_line(machine) + "\n";
  return text;
}

}  // namespace rise::cli
