#include "tests/model/choices.hpp"

#include <charconv>

namespace rise::model {

unsigned Choices::choose(unsigned count) {
  if (position_ == choices_.size()) {
    choices_.push_back({0, static_cast<std::uint16_t>(count)});
  }
  Choice& choice = choices_[position_++];
  if (choice.count == 0) choice.count = static_cast<std::uint16_t>(count);
  if (choice.count != count || choice.taken >= count) {
    diverged_ = true;
    return 0;
  }
  return choice.taken;
}

bool Choices::advance() {
  while (!choices_.empty() && choices_.back().taken + 1 >= choices_.back().count) {
    choices_.pop_back();
  }
  if (choices_.empty()) return false;
  ++choices_.back().taken;
  return true;
}

std::string Choices::text() const {
  std::string out;
  for (std::size_t i = 0; i < position_; ++i) {
    if (i != 0) out += '.';
    out += std::to_string(choices_[i].taken);
  }
  return out.empty() ? "-" : out;
}

bool Choices::parse(const std::string& text) {
  choices_.clear();
  position_ = 0;
  if (text == "-") return true;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    Choice choice;
    const auto [next, error] = std::from_chars(at, end, choice.taken);
    if (error != std::errc{} || (next != end && (*next != '.' || next + 1 == end))) return false;
    choices_.push_back(choice);
    at = next == end ? end : next + 1;
  }
  return !choices_.empty();
}

}  // namespace rise::model
