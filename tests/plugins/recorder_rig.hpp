// Machines to be recorded, frames of theirs, and files read back.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "plugins/recorder/recorder.hpp"
#include "plugins/recorder/topic.hpp"
#include "tests/plugins/mcap_rig.hpp"
#include "tests/unit/support/shared_region.hpp"

namespace rise::test {

inline constexpr std::int64_t kUtc = 1'767'225'600'000'000'000;  // 2026-01-01T00:00:00Z

inline recorder::Machine mill() {
  using message::SignalType;
  recorder::Machine machine;
  machine.name = "mill-1";
  machine.pages = 2;
  machine.signals = {
      {"axis.x.position", "mm", "", SignalType::Number, 0, 0, 0},
      {"spindle.0.load", "%", "", SignalType::Number, 1, 0, 1},
      {"status.mode", "", "0=mdi|1=memory", SignalType::Choice, 2, 0, 2},
      {"program.name", "", "", SignalType::Text, 3, 0, 0},
      {"macro.500", "", "", SignalType::Number, 4, 1, 0},
  };
  machine.outputs = {"override"};
  return machine;
}

inline recorder::Directory two_machines() {
  recorder::Directory directory;
  directory.lanes = {"main"};
  recorder::Machine other = mill();
  other.name = "mill-2";
  directory.machines = {mill(), other};
  return directory;
}

inline message::TelemetryFrame sample(std::uint64_t sequence, std::int64_t utc_ns,
                                      std::uint16_t machine = 0, std::uint16_t page = 0) {
  message::TelemetryFrame frame;
  frame.mutate_sequence(sequence);
  frame.mutate_cycle(10 * sequence);
  frame.mutate_sample_utc_ns(utc_ns);
  frame.mutate_sample_mono_ns(1000);
  frame.mutate_publish_mono_ns(1500);
  frame.mutate_machine(machine);
  frame.mutate_page(page);
  frame.mutate_count(page == 0 ? 3 : 1);
  frame.mutate_valid(page == 0 ? 0b101 : 0b1);
  frame.mutable_values()->Mutate(0, 0.5 + static_cast<double>(sequence));
  frame.mutable_values()->Mutate(1, 77);  // not valid
  frame.mutable_values()->Mutate(2, 1);
  return frame;
}

inline message::MachineEvent alarm(std::uint16_t machine, const std::string& text) {
  message::MachineEvent event;
  event.mutate_sequence(3);
  event.mutate_utc_ns(kUtc + 5);
  event.mutate_kind(message::EventKind::AlarmOn);
  event.mutate_severity(message::Severity::Error);
  event.mutate_code(500);
  event.mutate_machine(machine);
  event.mutate_text_length(static_cast<std::uint16_t>(text.size()));
  for (std::uint16_t i = 0; i < text.size(); ++i) {
    event.mutable_text()->Mutate(i, static_cast<std::uint8_t>(text[i]));
  }
  return event;
}

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// All messages of a file as lines of JSON.
inline std::vector<std::string> lines_of(const std::string& file) {
  recorder::McapReader reader(bytes_of_text(file));
  recorder::MessageDecoder decoder;
  recorder::McapMessage message;
  std::vector<std::string> lines;
  while (reader.next(&message)) lines.push_back(recorder::json_line(message, &decoder));
  return lines;
}

}  // namespace rise::test
