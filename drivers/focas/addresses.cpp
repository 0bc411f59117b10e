#include "drivers/focas/addresses.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "drivers/focas/wire/protocol.hpp"

namespace rise::focas {

namespace {

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool all_digits(const std::string& text) {
  return !text.empty() && text.size() <= 8 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool parse_range(const std::string& text, std::int32_t* first, std::int32_t* last) {
  const std::size_t dash = text.find('-');
  const std::string from = text.substr(0, dash);
  const std::string to = dash == std::string::npos ? from : text.substr(dash + 1);
  if (!all_digits(from) || !all_digits(to)) return false;
  *first = std::atoi(from.c_str());
  *last = std::atoi(to.c_str());
  return *first <= *last;
}

bool parse_pmc(const std::string& text, PmcAddress* address, std::string* why) {
  struct Type {
    const char* name;
    std::uint8_t code;
  };
  constexpr Type kTypes[] = {{"byte", 0}, {"word", 1}, {"long", 2}, {"float", 4}, {"double", 5}};
  const std::string_view areas = wire::kPmcAreas;
  const std::size_t area = text.empty() ? areas.npos : areas.find(upper(text[0]));
  if (area == areas.npos || text.size() < 2) {
    *why =
        "expected an area (one of " + std::string(wire::kPmcAreas) + ") and an address, e.g. G8.5";
    return false;
  }
  address->area = static_cast<std::uint8_t>(area);
  std::string rest = text.substr(1);
  if (const std::size_t colon = rest.find(':'); colon != std::string::npos) {
    const std::string type = rest.substr(colon + 1);
    const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                     [&](const Type& t) { return type == t.name; });
    if (found == std::end(kTypes)) {
      *why = "\"" + type + "\" is no type; allowed: byte, word, long, float, double";
      return false;
    }
    address->type = found->code;
    rest = rest.substr(0, colon);
  } else if (const std::size_t dot = rest.find('.'); dot != std::string::npos) {
    const std::string bit = rest.substr(dot + 1);
    if (bit.size() != 1 || bit[0] < '0' || bit[0] > '7') {
      *why = "bit \"" + bit + "\" is not 0 to 7";
      return false;
    }
    address->bit = static_cast<std::int8_t>(bit[0] - '0');
    rest = rest.substr(0, dot);
  }
  const bool range = rest.find('-') != std::string::npos;
  if (!parse_range(rest, &address->first, &address->last) || (range && address->bit >= 0)) {
    *why = "\"" + text + "\" is no address; e.g. G8.5, R100, D100-103, D100:word";
    return false;
  }
  if (!range) address->last = address->first + address->element_bytes() - 1;
  const std::int32_t bytes = address->last - address->first + 1;
  if (bytes % address->element_bytes() != 0 || bytes > 256) {
    *why = "a range holds whole elements and at most 256 bytes";
    return false;
  }
  return true;
}

bool parse_record(const std::string& text, const PathSettings& path, RecordAddress* address,
                  std::string* why) {
  const std::size_t dot = text.find('.');
  const std::string number = text.substr(0, dot);
  if (!all_digits(number)) {
    *why = "\"" + number + "\" is no number";
    return false;
  }
  address->number = std::atoi(number.c_str());
  address->axis = 0;
  if (dot == std::string::npos) return true;
  std::string axis = text.substr(dot + 1);
  std::transform(axis.begin(), axis.end(), axis.begin(), lower);
  if (axis == "*") {
    address->axis = -1;
    return true;
  }
  const auto found = std::find(path.axes.begin(), path.axes.end(), axis);
  if (found == path.axes.end()) {
    *why = "axis \"" + axis + "\" is not configured for this path";
    return false;
  }
  address->axis = static_cast<std::int32_t>(found - path.axes.begin()) + 1;
  return true;
}

}  // namespace rise::focas
