#include "plugins/redis/trouble.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "plugins/redis/slots.hpp"

namespace rise::redis {

namespace {

// Whoever asks again later may get another answer. NOAUTH and WRONGPASS: somebody may be changing
// passwords just now. NOREPLICAS, MASTERDOWN, TRYAGAIN: a cluster or a replica in between.
constexpr std::array<std::string_view, 17> kPassing = {
    "LOADING",    "OOM",      "READONLY",    "MISCONF", "CLUSTERDOWN", "TRYAGAIN",
    "MASTERDOWN", "BUSY",     "NOREPLICAS",  "NOAUTH",  "WRONGPASS",   "UNKILLABLE",
    "INPROG",     "FAILOVER", "NOGOODSLAVE", "NOGROUP", "UNBLOCKED"};

template <class Number>
bool number(std::string_view text, Number* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Trouble trouble_of(std::string_view error) {
  const std::string_view word = error.substr(0, error.find(' '));
  if (word == "MOVED") return Trouble::Moved;
  if (word == "ASK") return Trouble::Ask;
  if (std::find(kPassing.begin(), kPassing.end(), word) != kPassing.end()) return Trouble::Passing;
  if (error.starts_with("ERR max number of clients")) return Trouble::Passing;
  return Trouble::Lasting;
}

std::optional<Redirect> redirect_of(std::string_view error) {
  const std::size_t first = error.find(' ');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = error.find(' ', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  std::string_view place = error.substr(second + 1);
  // What later versions may add.
  place = place.substr(0, place.find(' '));
  // An IPv6 address has colons of its own.
  const std::size_t colon = place.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Redirect redirect;
  if (!number(error.substr(first + 1, second - first - 1), &redirect.slot) ||
      redirect.slot >= kSlots || !number(place.substr(colon + 1), &redirect.to.port) ||
      redirect.to.port == 0) {
    return std::nullopt;
  }
  redirect.to.host = place.substr(0, colon);
  // A node that does not know its own name.
  if (redirect.to.host == "?") return std::nullopt;
  return redirect;
}

}  // namespace rise::redis
