// The items that are named by a number or an address: macros, parameters, diagnosis, PMC, tool
// offsets, modal values, timers, part counts.

#include <algorithm>
#include <cstdlib>

#include "drivers/focas/addresses.hpp"
#include "drivers/focas/catalogue.hpp"

namespace rise::focas {

using wire::Command;

bool Catalogue::add_numbered_item(const Place& place, const std::string& name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return false;
  const std::string family = name.substr(0, dot);
  const std::string rest = name.substr(dot + 1);
  if (family == "modal") return add_modal(place, rest);
  if (family == "macro") {
    add_macro(place, rest);
  } else if (family == "pmc") {
    add_pmc(place, rest);
  } else if (family == "parameter" || family == "diagnosis") {
    add_record(place, family, rest);
  } else if (family == "offset") {
    add_offset(place, rest);
  } else if (family == "timer") {
    constexpr const char* kTimers[] = {"power_on", "operating", "cutting", "cycle"};
    const auto* found = std::find(std::begin(kTimers), std::end(kTimers), rest);
    if (found == std::end(kTimers)) return false;
    add(place, {{name, RISE_SIGNAL_NUMBER, "s", 0, 1e12}},
        simple_item(Command::Timer, Decoding::Timer, 8,
                    static_cast<std::int32_t>(found - kTimers)));
  } else if (family == "parts") {
    // Parameters with a fixed meaning: parts machined, in total, required.
    const std::int32_t number = rest == "count"      ? 6711
                                : rest == "total"    ? 6712
                                : rest == "required" ? 6713
                                                     : 0;
    if (number == 0) return false;
    Item item = simple_item(Command::ReadParameter, Decoding::Record, 0, number, number);
    item.legacy_command = static_cast<std::uint16_t>(Command::ReadParameterLegacy);
    add(place, {{name, RISE_SIGNAL_INTEGER, "", 0}}, item);
  } else {
    return false;
  }
  return true;
}

void Catalogue::add_macro(const Place& place, const std::string& range) {
  std::int32_t first = 0;
  std::int32_t last = 0;
  if (!parse_range(range, &first, &last) || last - first >= 128) {
    fault(place, "\"macro." + range +
                     "\": expected a number or a range of at most 128, e.g. macro.500-510");
    return;
  }
  std::vector<Signal> signals;
  for (std::int32_t number = first; number <= last; ++number) {
    signals.push_back({"macro." + std::to_string(number), RISE_SIGNAL_NUMBER, "", -1e12, 1e12});
  }
  add(place, signals,
      simple_item(Command::ReadMacro, Decoding::Numbers,
                  static_cast<std::uint16_t>(8 * signals.size()), first, last));
}

void Catalogue::add_pmc(const Place& place, const std::string& text) {
  PmcAddress address;
  std::string why;
  if (place.path != 1) {
    fault(place, "PMC memory belongs to no path: leave out \"path." + std::to_string(place.path) +
                     ".\"; G and F of path 2 begin at 1000");
    return;
  }
  if (!parse_pmc(text, &address, &why)) {
    fault(place, "\"pmc." + text + "\": " + why);
    return;
  }
  Item item;
  item.read.block.device = wire::Device::Pmc;
  item.read.block.command = static_cast<std::uint16_t>(wire::PmcCommand::ReadRange);
  item.read.block.argument[0] = address.first;
  item.read.block.argument[1] = address.last;
  item.read.block.argument[2] = address.area;
  item.read.block.argument[3] = address.type;
  item.read.reply_bytes = static_cast<std::uint16_t>(address.last - address.first + 1);
  const char area = static_cast<char>(wire::kPmcAreas[address.area] | 0x20);
  if (address.bit >= 0) {
    item.read.decoding = Decoding::PmcBit;
    item.read.aux = static_cast<std::uint8_t>(address.bit);
    add(place, {{"pmc." + text, RISE_SIGNAL_FLAG, "", 0, 1}}, item);
    return;
  }
  item.read.decoding = Decoding::PmcValues;
  item.read.aux = address.type;
  const bool whole = address.type <= 2;
  std::vector<Signal> signals;
  for (std::int32_t at = address.first; at <= address.last; at += address.element_bytes()) {
    signals.push_back(
        {std::string("pmc.") + area + std::to_string(at),
         whole ? std::uint32_t{RISE_SIGNAL_INTEGER} : std::uint32_t{RISE_SIGNAL_NUMBER}, "",
         whole ? -2147483648.0 : -1e300, whole ? 2147483647.0 : 1e300});
  }
  add(place, signals, item);
}

void Catalogue::add_record(const Place& place, const std::string& family, const std::string& text) {
  RecordAddress address;
  std::string why;
  if (!parse_record(text, path_settings(place), &address, &why)) {
    fault(place, "\"" + family + "." + text + "\": " + why);
    return;
  }
  const bool parameter = family == "parameter";
  Item item = simple_item(parameter ? Command::ReadParameter : Command::Diagnosis, Decoding::Record,
                          0, address.number, address.number);
  item.read.block.argument[2] = address.axis;
  item.read.axis = static_cast<std::uint8_t>(address.axis == -1 ? 1 : address.axis);
  item.legacy_command = static_cast<std::uint16_t>(parameter ? Command::ReadParameterLegacy
                                                             : Command::DiagnosisLegacy);
  const std::string name = family + "." + std::to_string(address.number);
  if (address.axis != -1) {
    add(place, {{family + "." + text, RISE_SIGNAL_NUMBER, "", -1e12, 1e12}}, item);
    return;
  }
  std::vector<Signal> signals;
  for (const std::string& axis : path_settings(place).axes) {
    signals.push_back({name + "." + axis, RISE_SIGNAL_NUMBER, "", -1e12, 1e12});
  }
  item.read.per_axis = true;
  add(place, signals, item);
}

// Four kinds of one tool offset, by the same numbers on mills and lathes; controls without one of
// them refuse just that read. A control of the other sort is not asked: the names would be wrong.
void Catalogue::add_offset(const Place& place, const std::string& number) {
  constexpr const char* kKinds[][4] = {
      {"wear_radius", "geometry_radius", "wear_length", "geometry_length"},
      {"wear_x", "geometry_x", "wear_z", "geometry_z"}};
  const bool lathe = path_settings(place).lathe;
  std::int32_t first = 0;
  std::int32_t last = 0;
  if (!parse_range(number, &first, &last) || first < 1 || last - first >= 64) {
    fault(place,
          "\"offset." + number + "\": expected a number or a range of at most 64, e.g. offset.1-5");
    return;
  }
  for (std::int32_t tool = first; tool <= last; ++tool) {
    for (std::int32_t kind = 0; kind < 4; ++kind) {
      Item item = simple_item(Command::ReadToolOffset, Decoding::Numbers, 8, tool, tool);
      item.read.block.argument[2] = 1000 + kind;
      item.offsets = true;
      const std::string name = "offset." + std::to_string(tool) + "." + kKinds[lathe][kind];
      add(place, {{name, RISE_SIGNAL_NUMBER, path_settings(place).inch ? "in" : "mm"}}, item);
    }
  }
}

// "modal.g0".."modal.g63": the code of a modal group; "modal.f", "modal.s", "modal.t", "modal.m",
// ...: the last commanded value of an address.
bool Catalogue::add_modal(const Place& place, const std::string& what) {
  if (what.size() >= 2 && what[0] == 'g' && all_digits(what.substr(1))) {
    const std::int32_t group = std::atoi(what.c_str() + 1);
    if (group > 63) return false;
    add(place, {{"modal." + what, RISE_SIGNAL_NUMBER, ""}},
        simple_item(Command::GCodes, Decoding::GCode, 12, group));
    return true;
  }
  // Index order of the control: A..M, M2..M5, N..Z.
  struct Letter {
    char letter;
    std::int32_t index;
  };
  constexpr Letter kLetters[] = {{'b', 1},  {'d', 3},  {'f', 5},  {'h', 6}, {'m', 11},
                                 {'n', 16}, {'o', 17}, {'s', 21}, {'t', 22}};
  if (what.size() != 1) return false;
  const auto* found = std::find_if(std::begin(kLetters), std::end(kLetters),
                                   [&](const Letter& l) { return l.letter == what[0]; });
  if (found == std::end(kLetters)) return false;
  const bool real = found->letter == 'f';
  Item item = simple_item(Command::ModalOther, Decoding::ModalValue, 8, found->index);
  item.read.aux = real ? 1 : 0;
  add(place,
      {{"modal." + what,
        real ? std::uint32_t{RISE_SIGNAL_NUMBER} : std::uint32_t{RISE_SIGNAL_INTEGER}, "",
        -2147483648.0, 2147483647.0}},
      item);
  return true;
}

}  // namespace rise::focas
