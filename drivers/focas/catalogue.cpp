#include "drivers/focas/catalogue.hpp"

#include <algorithm>
#include <cstdlib>

#include "drivers/focas/addresses.hpp"

namespace rise::focas {

using wire::Command;
using wire::PositionKind;

namespace {

constexpr char kModes[] =
    "0=mdi|1=memory|3=edit|4=handle|5=jog|6=teach-jog|7=teach-handle|8=increment|9=reference|"
    "10=remote";
constexpr char kRuns[] = "0=reset|1=stop|2=hold|3=start|4=mstr";
constexpr char kMotions[] = "0=none|1=motion|2=dwell";
constexpr char kMstbs[] = "0=other|1=fin";
constexpr char kEmergencies[] = "0=none|1=emergency|2=reset|3=wait";
constexpr char kAlarms[] =
    "0=none|1=alarm|2=battery|3=fan|4=ps-warning|5=fssb-warning|6=insulation|7=encoder|8=pmc";

// Items of one block and one value, read on every path.
struct ValueItem {
  const char* item;
  const char* signal;
  std::uint32_t type;
  Command command;
  Decoding decoding;
  std::uint16_t reply_bytes;
  std::int32_t argument;
  std::uint8_t aux;
};
constexpr ValueItem kValueItems[] = {
    {"alarms", "alarm.bits", RISE_SIGNAL_INTEGER, Command::AlarmBits, Decoding::AlarmBits, 4, 0, 0},
    {"program.sequence", "program.sequence", RISE_SIGNAL_INTEGER, Command::SequenceNumber,
     Decoding::Integers, 4, 0, 0},
    {"program.block", "program.block", RISE_SIGNAL_INTEGER, Command::BlockCount, Decoding::Integers,
     4, 0, 0},
    // Name and text come after a number of four bytes.
    {"program.name", "program.name", RISE_SIGNAL_TEXT, Command::ProgramName, Decoding::Text, 40, 0,
     4},
    {"program.text", "program.text", RISE_SIGNAL_TEXT, Command::ExecutingText, Decoding::Text, 132,
     128, 4},
    {"program.path", "program.path", RISE_SIGNAL_TEXT, Command::ProgramPath, Decoding::Text, 256, 0,
     0},
};

// Bytes of the PMC with a meaning fixed by FANUC. Further paths have theirs 1000 bytes on.
struct OverrideItem {
  const char* item;
  std::int32_t g_address;
  Decoding decoding;
};
constexpr OverrideItem kOverrideItems[] = {
    {"override.feed", 12, Decoding::FeedOverride},
    {"override.rapid", 14, Decoding::RapidOverride},
    {"override.spindle", 30, Decoding::PmcValues},
};

struct PositionItem {
  const char* item;
  const char* suffix;
  PositionKind kind;
};
constexpr PositionItem kPositionItems[] = {
    {"position.absolute", "position", PositionKind::Absolute},
    {"position.machine", "machine_position", PositionKind::Machine},
    {"position.relative", "relative_position", PositionKind::Relative},
    {"position.distance", "distance_to_go", PositionKind::Distance},
};

struct TemperatureItem {
  const char* item;
  const char* suffix;
  std::int32_t diagnosis;
  bool spindles;
};
constexpr TemperatureItem kTemperatureItems[] = {
    {"servo.temperature", "temperature", 308, false},
    {"encoder.temperature", "encoder_temperature", 309, false},
    {"spindle.temperature", "temperature", 403, true},
};

template <class Table>
const auto* find(const Table& table, const std::string& name) {
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [&](const auto& t) { return name == t.item; });
  return found == std::end(table) ? nullptr : found;
}

}  // namespace

Item simple_item(Command command, Decoding decoding, std::uint16_t reply_bytes,
                 std::int32_t argument1, std::int32_t argument2) {
  Item item;
  item.read.block.command = static_cast<std::uint16_t>(command);
  item.read.block.argument[0] = argument1;
  item.read.block.argument[1] = argument2;
  item.read.decoding = decoding;
  item.read.reply_bytes = reply_bytes;
  return item;
}

std::string path_prefix(std::uint16_t path) {
  return path == 1 ? "" : "path." + std::to_string(path) + ".";
}

bool Catalogue::configure(const rise_host& host, const Settings& settings) {
  host_ = &host;
  settings_ = &settings;
  for (std::size_t g = 0; g < settings.groups.size(); ++g) {
    const GroupSettings& group = settings.groups[g];
    const rise_group_spec spec{sizeof(rise_group_spec), 0, group.name.c_str(), group.period_ns};
    const std::int32_t number = host.group_declare(host.context, &spec);
    if (number < 0) return false;
    for (std::size_t i = 0; i < group.items.size(); ++i) {
      Place place;
      place.config_path = "group." + std::to_string(g) + ".items." + std::to_string(i);
      place.group = static_cast<std::uint32_t>(number);
      add_item(place, group.items[i]);
    }
  }
  return good_;
}

void Catalogue::fault(const Place& place, const std::string& message) {
  host_->config_error(host_->context, place.config_path.c_str(), message.c_str());
  good_ = false;
}

// "path.2.feed" names its path; without it, what every path has is read on every path, and what is
// named by a number on the first.
void Catalogue::add_item(Place place, const std::string& text) {
  std::string name = text;
  std::int32_t only = 0;
  if (text.starts_with("path.")) {
    const std::size_t dot = text.find('.', 5);
    std::int32_t last = 0;
    if (dot == std::string::npos || !parse_range(text.substr(5, dot - 5), &only, &last) ||
        only != last || only < 1 || only > static_cast<std::int32_t>(settings_->paths.size())) {
      fault(place, "\"" + text + "\" names no configured path ([[machine.focas.path]])");
      return;
    }
    name = text.substr(dot + 1);
  }
  bool known = false;
  for (std::uint16_t path = 1; path <= settings_->paths.size(); ++path) {
    if (only != 0 && path != only) continue;
    place.path = path;
    known = add_path_item(place, name) || known;
  }
  place.path = static_cast<std::uint16_t>(only == 0 ? 1 : only);
  if (known || add_numbered_item(place, name)) return;
  fault(place,
        "\"" + text +
            "\" is nothing that can be read; the items are listed in drivers/focas/README.md");
}

bool Catalogue::add_path_item(const Place& place, const std::string& name) {
  if (const ValueItem* v = find(kValueItems, name)) {
    Item item = simple_item(v->command, v->decoding, v->reply_bytes, v->argument);
    item.read.aux = v->aux;
    add(place, {{v->signal, v->type, "", 0, 4294967295.0}}, item);
  } else if (const OverrideItem* o = find(kOverrideItems, name)) {
    Item item;
    item.read.block.device = wire::Device::Pmc;
    item.read.block.command = static_cast<std::uint16_t>(wire::PmcCommand::ReadRange);
    item.read.block.argument[0] = item.read.block.argument[1] =
        o->g_address + 1000 * (place.path - 1);
    item.read.decoding = o->decoding;
    item.read.reply_bytes = 1;
    add(place, {{o->item, RISE_SIGNAL_NUMBER, "%", 0, 255}}, item);
  } else if (const PositionItem* p = find(kPositionItems, name)) {
    Item item = simple_item(Command::Position, Decoding::Numbers, 0,
                            static_cast<std::int32_t>(p->kind), -1);
    item.positions = true;
    item.read.unit = p->kind == PositionKind::Machine ? UnitTable::Machine : UnitTable::Displayed;
    add_axes(place, p->suffix, nullptr, item);
  } else if (const TemperatureItem* t = find(kTemperatureItems, name)) {
    Item item = simple_item(Command::Diagnosis, Decoding::Record, 0, t->diagnosis, t->diagnosis);
    item.read.block.argument[2] = -1;
    item.legacy_command = static_cast<std::uint16_t>(Command::DiagnosisLegacy);
    item.read.per_servo = !t->spindles;
    t->spindles ? add_spindles(place, t->suffix, "Cel", item)
                : add_axes(place, t->suffix, "Cel", item);
  } else if (name == "status") {
    add(place,
        {{"status.mode", RISE_SIGNAL_CHOICE, "", 0, 255, kModes},
         {"status.run", RISE_SIGNAL_CHOICE, "", 0, 255, kRuns},
         {"status.motion", RISE_SIGNAL_CHOICE, "", 0, 255, kMotions},
         {"status.mstb", RISE_SIGNAL_CHOICE, "", 0, 255, kMstbs},
         {"status.emergency", RISE_SIGNAL_CHOICE, "", 0, 255, kEmergencies},
         {"status.alarm", RISE_SIGNAL_CHOICE, "", 0, 255, kAlarms},
         {"status.edit", RISE_SIGNAL_INTEGER, "", 0, 255}},
        simple_item(Command::Status, Decoding::Words, 14));
  } else if (name == "feed") {
    add(place,
        {{"feed.actual", RISE_SIGNAL_NUMBER, path_settings(place).inch ? "in/min" : "mm/min"}},
        simple_item(Command::ActualFeed, Decoding::Numbers, 8));
  } else if (name == "program.number") {
    add(place,
        {{"program.running", RISE_SIGNAL_INTEGER, "", 0},
         {"program.main", RISE_SIGNAL_INTEGER, "", 0}},
        simple_item(Command::ProgramNumbers, Decoding::Integers, 8));
  } else if (name == "spindle.speed") {
    if (path_settings(place).spindles == 1) {
      add(place, {{"spindle.0.speed", RISE_SIGNAL_NUMBER, "rpm"}},
          simple_item(Command::ActualSpindle, Decoding::Numbers, 8));
    } else {
      add_spindles(place, "speed", "rpm",
                   simple_item(Command::SpindleData, Decoding::Numbers, 0, 3, -1));
    }
  } else if (name == "spindle.load") {
    add_spindles(place, "load", "%",
                 simple_item(Command::SpindleData, Decoding::Numbers, 0, 4, -1));
  } else if (name == "servo.load") {
    Item item = simple_item(Command::ServoLoad, Decoding::Magnitudes, 0, 1);
    item.read.per_servo = true;
    add_axes(place, "load", "%", item);
  } else {
    return false;
  }
  return true;
}

// unit null: lengths and angles, by the axis.
void Catalogue::add_axes(const Place& place, const std::string& suffix, const char* unit,
                         const Item& item) {
  std::vector<Signal> signals;
  const PathSettings& path = path_settings(place);
  for (std::size_t i = 0; i < path.axes.size(); ++i) {
    signals.push_back({"axis." + path.axes[i] + "." + suffix, RISE_SIGNAL_NUMBER,
                       unit == nullptr ? axis_unit(path, i) : unit});
  }
  Item axes = item;
  axes.read.per_axis = true;
  axes.read.axis = 1;
  add(place, signals, axes);
}

void Catalogue::add_spindles(const Place& place, const std::string& suffix, const char* unit,
                             const Item& item) {
  std::vector<Signal> signals;
  for (std::uint32_t i = 0; i < path_settings(place).spindles; ++i) {
    signals.push_back({"spindle." + std::to_string(i) + "." + suffix, RISE_SIGNAL_NUMBER, unit});
  }
  if (signals.empty()) return;
  Item spindles = item;
  spindles.read.per_spindle = true;
  add(place, signals, spindles);
}

void Catalogue::add(const Place& place, const std::vector<Signal>& signals, Item item) {
  item.read.block.path = item.read.block.device == wire::Device::Pmc ? 1 : place.path;
  item.read.group = static_cast<std::uint8_t>(place.group);
  item.read.count = static_cast<std::uint16_t>(signals.size());
  for (const Signal& signal : signals) {
    const std::string name = path_prefix(place.path) + signal.name;
    rise_signal_spec spec{};
    spec.struct_size = sizeof spec;
    spec.type = signal.type;
    spec.group = place.group;
    spec.name = name.c_str();
    spec.unit = signal.unit;
    spec.choices = signal.choices;
    spec.min = signal.min;
    spec.max = signal.max;
    const std::int32_t number = host_->signal_declare(host_->context, &spec);
    if (number == RISE_E_LIMIT) fault(place, "too many signals for one machine");
    if (number == RISE_E_ARGUMENT)
      fault(place, "signal \"" + name + "\" is read twice, or its name is no name");
    if (item.read.signal < 0) item.read.signal = number;
  }
  items_.push_back(item);
  max_reads_ += item.positions ? std::max<std::size_t>(1, signals.size()) : 1;
}

}  // namespace rise::focas
