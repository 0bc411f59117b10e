#include "plugins/recorder/directory.hpp"

#include "rt_core/message/text.hpp"

namespace rise::recorder {

using message::get_text;

Directory read_directory(const shm::Region& region) {
  Directory directory;
  for (const message::CoreHealth& lane :
       region.table<message::CoreHealth>(shm::SectionKind::Lanes)) {
    directory.lanes.emplace_back(get_text(lane.name()));
  }
  const auto signals = region.table<message::SignalEntry>(shm::SectionKind::Signals);
  const auto outputs = region.table<message::OutputEntry>(shm::SectionKind::Outputs);
  for (const message::MachineEntry& entry :
       region.table<message::MachineEntry>(shm::SectionKind::Machines)) {
    Machine machine;
    machine.name = get_text(entry.name());
    machine.pages = entry.page_count();
    for (std::size_t i = entry.first_signal();
         i < std::size_t{entry.first_signal()} + entry.signal_count() && i < signals.size(); ++i) {
      const message::SignalEntry& from = signals[i];
      Signal signal;
      signal.name = get_text(from.name());
      signal.unit = get_text(from.unit());
      signal.choices = get_text(from.choices());
      signal.type = from.type();
      signal.number = from.number();
      signal.page = from.page();
      signal.slot = from.slot();
      machine.signals.push_back(std::move(signal));
    }
    for (std::size_t i = entry.first_output();
         i < std::size_t{entry.first_output()} + entry.output_count() && i < outputs.size(); ++i) {
      machine.outputs.emplace_back(get_text(outputs[i].name()));
    }
    directory.machines.push_back(std::move(machine));
  }
  return directory;
}

std::string type_text(message::SignalType type) {
  switch (type) {
    case message::SignalType::Number: return "number";
    case message::SignalType::Integer: return "integer";
    case message::SignalType::Flag: return "flag";
    case message::SignalType::Choice: return "choice";
    case message::SignalType::Text: return "text";
    case message::SignalType::None: break;
  }
  return "none";
}

}  // namespace rise::recorder
