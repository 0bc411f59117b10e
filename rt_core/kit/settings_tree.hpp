// A machine's part of a config as a tree that can be changed and written as TOML again: the same
// config with one setting at its limit, or wrong.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/schema/document.hpp"

namespace rise::kit {

class SettingsTree {
 public:
  SettingsTree() = default;
  // All values of a document, with paths as they are there.
  static SettingsTree of(const config::Document& document);

  // `toml`: the value in TOML notation. Makes what is missing on the way; a number in the path is a
  // place in an array.
  void set(const std::string& path, const std::string& toml);
  // A TOML inline table.
  [[nodiscard]] std::string toml() const;
  [[nodiscard]] std::vector<std::string> leaves() const;  // paths of all values

 private:
  void list(const std::string& at, std::vector<std::string>* paths) const;
  bool array_ = false;
  std::string value_;  // of a leaf
  std::vector<std::pair<std::string, SettingsTree>> children_;
};

// "text" with what TOML wants escaped.
std::string quoted_toml(const std::string& text);

}  // namespace rise::kit
