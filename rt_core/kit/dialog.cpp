#include "rt_core/kit/dialog.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "rt_core/random.hpp"

namespace rise::kit {

namespace {

std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'x' && i + 2 < text.size()) {
      out += static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else {
      out += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
    }
  }
  return out;
}

void replace_all(std::string* text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text->find(what, at)) != std::string::npos; at += by.size()) {
    text->replace(at, what.size(), by);
  }
}

}  // namespace

Result<Dialog> Dialog::read(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Failure{path + " cannot be read"};
  Dialog dialog;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t arrow = line.find(" => ");
    if (arrow == std::string::npos) {
      return Failure{path + ":" + std::to_string(number) + ": write \"request => reply\""};
    }
    const std::string request = line.substr(0, arrow);
    Entry entry;
    const std::size_t hole = request.find("{1}");
    entry.takes = hole != std::string::npos;
    entry.before = unescaped(request.substr(0, hole));
    if (entry.takes) entry.after = unescaped(request.substr(hole + 3));
    entry.reply = unescaped(line.substr(arrow + 4));
    if (entry.takes && entry.after.empty()) {
      return Failure{path + ":" + std::to_string(number) + ": what ends {1}? nothing follows it"};
    }
    dialog.entries_.push_back(entry);
  }
  return dialog;
}

std::optional<std::string> Dialog::answer(std::string* received, std::uint64_t* random,
                                          bool* understood) const {
  *understood = false;
  for (const Entry& entry : entries_) {
    const std::size_t common = std::min(received->size(), entry.before.size());
    if (received->compare(0, common, entry.before, 0, common) != 0) continue;
    *understood = true;
    if (common < entry.before.size()) continue;  // so far it fits
    std::size_t end = common;
    std::string reply = entry.reply;
    if (entry.takes) {
      const std::size_t after = received->find(entry.after, common);
      if (after == std::string::npos) continue;
      replace_all(&reply, "{1}", received->substr(common, after - common));
      end = after + entry.after.size();
    }
    received->erase(0, end);
    char number[32];
    std::snprintf(number, sizeof number, "%.2f",
                  static_cast<double>(next_random(random) % 10000) / 100);
    replace_all(&reply, "{number}", number);
    return reply;
  }
  return std::nullopt;
}

}  // namespace rise::kit
