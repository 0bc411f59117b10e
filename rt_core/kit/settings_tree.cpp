#include "rt_core/kit/settings_tree.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace rise::kit {

namespace {

std::string number_toml(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  char line[64];
  std::snprintf(line, sizeof line, "%.17g", number);
  std::string out = line;
  if (out.find_first_of(".en") == std::string::npos) out += ".0";
  return out;
}

std::string toml_of(const config::Value& value) {
  switch (value.type) {
    case config::Type::Bool: return value.integer != 0 ? "true" : "false";
    case config::Type::Integer: return std::to_string(value.integer);
    case config::Type::Number: return number_toml(value.number);
    default: return quoted_toml(value.string);
  }
}

}  // namespace

std::string quoted_toml(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

SettingsTree SettingsTree::of(const config::Document& document) {
  SettingsTree tree;
  for (const config::Value& value : document.values) {
    if (value.type == config::Type::Table || value.type == config::Type::Array) {
      tree.set(value.path, value.type == config::Type::Table ? "{}" : "[]");
    } else {
      tree.set(value.path, toml_of(value));
    }
  }
  return tree;
}

void SettingsTree::set(const std::string& path, const std::string& toml) {
  const std::size_t dot = path.find('.');
  const std::string key = path.substr(0, dot);
  if (!key.empty() &&
      std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; }))
    array_ = true;
  auto found = std::find_if(children_.begin(), children_.end(),
                            [&](const auto& child) { return child.first == key; });
  if (found == children_.end()) {
    children_.emplace_back(key, SettingsTree());
    found = children_.end() - 1;
  }
  if (dot != std::string::npos) {
    found->second.set(path.substr(dot + 1), toml);
    return;
  }
  found->second = {};
  if (toml == "[]") {
    found->second.array_ = true;
  } else if (toml != "{}") {
    found->second.value_ = toml;
  }
}

std::string SettingsTree::toml() const {
  if (!value_.empty()) return value_;
  std::string out = array_ ? "[" : "{";
  for (const auto& [key, child] : children_) {
    if (out.size() > 1) out += ", ";
    if (!array_) out += quoted_toml(key) + " = ";
    out += child.toml();
  }
  return out + (array_ ? "]" : "}");
}

std::vector<std::string> SettingsTree::leaves() const {
  std::vector<std::string> paths;
  list("", &paths);
  return paths;
}

void SettingsTree::list(const std::string& at, std::vector<std::string>* paths) const {
  if (!value_.empty()) paths->push_back(at);
  for (const auto& [key, child] : children_) child.list(at.empty() ? key : at + "." + key, paths);
}

}  // namespace rise::kit
