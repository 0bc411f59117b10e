// The config's notation of outputs.

#include <cmath>
#include <cstdlib>

#include "drivers/focas/output.hpp"

namespace rise::focas {

namespace {

constexpr std::int32_t kMostBytes = 6;  // exact as a double

// Inputs of the ladder: the CNC (F) and the machine (X) write them, nobody else.
bool read_only(std::uint8_t area) {
  return wire::kPmcAreas[area] == 'F' || wire::kPmcAreas[area] == 'X';
}

// "R100..R103", the second letter may be left out.
bool parse_bytes(const std::string& text, std::size_t dots, Output* output, std::string* why) {
  PmcAddress last;
  const std::string first = text.substr(0, dots);
  std::string end = text.substr(dots + 2);
  if (!end.empty() && end[0] >= '0' && end[0] <= '9') end.insert(0, 1, text[0]);
  if (!parse_pmc(first, &output->pmc, why) || !parse_pmc(end, &last, why)) return false;
  const bool bytes = first.find_first_of(".:-") == std::string::npos &&
                     end.find_first_of(".:-") == std::string::npos;
  const std::int32_t count = last.last - output->pmc.first + 1;
  if (!bytes || last.area != output->pmc.area || count < 1 || count > kMostBytes) {
    *why = "\"" + text + "\" is not one number of 1 to 6 bytes of one area, e.g. R100..R103";
    return false;
  }
  output->pmc.last = last.last;
  output->kind = Output::Kind::PmcBytes;
  return true;
}

// "R100.2-5".
bool parse_bits(const std::string& text, std::size_t dash, Output* output, std::string* why) {
  const std::string last = text.substr(dash + 1);
  if (!parse_pmc(text.substr(0, dash), &output->pmc, why)) return false;
  if (last.size() != 1 || last[0] > '7' || last[0] - '0' < output->pmc.bit) {
    *why = "\"" + text + "\" names no bits; e.g. R100.2-5";
    return false;
  }
  output->bits = static_cast<std::uint8_t>(last[0] - '0' - output->pmc.bit + 1);
  output->kind = Output::Kind::PmcBit;
  return true;
}

bool parse_pmc_output(const std::string& text, Output* output, std::string* why) {
  const std::size_t dots = text.find("..");
  const std::size_t dot = text.find('.');
  const std::size_t dash = text.find('-');
  if (dots != std::string::npos) {
    if (!parse_bytes(text, dots, output, why)) return false;
  } else if (dot != std::string::npos && dash != std::string::npos && dash > dot) {
    if (!parse_bits(text, dash, output, why)) return false;
  } else {
    if (!parse_pmc(text, &output->pmc, why)) return false;
    if (output->pmc.bit < 0 && output->pmc.elements() != 1) {
      *why = "an output is one number, not a list; several bytes of one are R100..R103";
      return false;
    }
    output->kind = output->pmc.bit >= 0 ? Output::Kind::PmcBit : Output::Kind::Pmc;
  }
  if (!read_only(output->pmc.area)) return true;
  *why = "F and X are what the CNC and the machine tell the ladder: they cannot be written";
  return false;
}

// Takes "path.2." off. False: no such path.
bool take_path(std::string* target, std::size_t paths, Output* output, bool* named) {
  *named = target->starts_with("path.");
  if (!*named) return true;
  const std::size_t dot = target->find('.', 5);
  std::int32_t first = 0;
  std::int32_t last = 0;
  if (dot == std::string::npos || !parse_range(target->substr(5, dot - 5), &first, &last)) {
    return false;
  }
  if (first != last || first < 1 || first > static_cast<std::int32_t>(paths)) return false;
  output->path = static_cast<std::uint16_t>(first);
  target->erase(0, dot + 1);
  return true;
}

}  // namespace

bool parse_output(const std::string& text, std::span<const PathSettings> paths, Output* output,
                  std::string* why) {
  std::string target = text;
  bool path_named = false;
  if (!take_path(&target, paths.size(), output, &path_named)) {
    *why = "\"" + text + "\" names no configured path ([[machine.focas.path]])";
    return false;
  }
  const std::size_t dot = target.find('.');
  const std::string family = target.substr(0, dot);
  const std::string rest = dot == std::string::npos ? "" : target.substr(dot + 1);
  if (family == "pmc") {
    if (!path_named) return parse_pmc_output(rest, output, why);
    *why = "PMC memory belongs to no path: leave out \"path.\"; G and F of path 2 begin at 1000";
    return false;
  }
  if (family == "macro" && all_digits(rest)) {
    output->kind = Output::Kind::Macro;
    output->number = std::atoi(rest.c_str());
    return true;
  }
  if (family == "parameter") {
    RecordAddress address;
    if (!parse_record(rest, paths[output->path - 1u], &address, why)) return false;
    if (address.axis < 0) {
      *why = "an output is one axis, not all";
      return false;
    }
    output->kind = Output::Kind::Parameter;
    output->number = address.number;
    output->axis = address.axis;
    return true;
  }
  *why = "\"" + text +
         "\" is nothing that can be written; e.g. pmc.R100, pmc.R100.5, macro.500, "
         "parameter.6713";
  return false;
}

bool parse_assignment(const std::string& text, std::span<const PathSettings> paths, Output* output,
                      double* value, std::string* why) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    *why = "expected an output and a value, e.g. pmc.R100=1";
    return false;
  }
  if (!parse_output(text.substr(0, equals), paths, output, why)) return false;
  const std::string number = text.substr(equals + 1);
  char* end = nullptr;
  *value = std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0' || !std::isfinite(*value)) {
    *why = "\"" + number + "\" is no value";
    return false;
  }
  if (check_value(*output, *value, why)) return true;
  *why = "value " + number + ": " + *why;
  return false;
}

}  // namespace rise::focas
