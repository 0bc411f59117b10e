#include "drivers/focas/simulator/program/program.hpp"

#include <cstdio>

namespace rise::cncsim {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The program name at the start of a line, or empty.
std::string name_of(std::string_view line) {
  if (line.size() >= 2 && (line[0] == 'O' || line[0] == 'o' || line[0] == ':') &&
      is_digit(line[1])) {
    int number = 0;
    for (std::size_t i = 1; i < line.size() && is_digit(line[i]) && i <= 8; ++i) {
      number = number * 10 + (line[i] - '0');
    }
    return number == 0 ? "" : program_name(number);
  }
  if (!line.empty() && line[0] == '<') {
    const std::size_t end = line.find('>');
    if (end != std::string_view::npos && end > 1 && end <= 33) {
      return std::string(line.substr(1, end - 1));
    }
  }
  return "";
}

std::string comment_of(std::string_view line) {
  const std::size_t begin = line.find('(');
  const std::size_t end = line.find(')', begin == std::string_view::npos ? 0 : begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) return "";
  return std::string(line.substr(begin, end - begin + 1));
}

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) {
    line.remove_suffix(1);
  }
  return line;
}

}  // namespace

std::string_view Program::line(std::size_t index) const {
  if (index >= line_start.size()) return {};
  const std::size_t begin = line_start[index];
  const std::size_t end = index + 1 < line_start.size() ? line_start[index + 1] : text.size();
  return std::string_view(text).substr(begin, end - begin - 1);
}

int program_number(std::string_view name) {
  if (name.size() < 2 || name.size() > 9 || (name[0] != 'O' && name[0] != 'o')) return 0;
  int number = 0;
  for (const char c : name.substr(1)) {
    if (!is_digit(c)) return 0;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::string program_name(int number) {
  char text[16];
  std::snprintf(text, sizeof text, "O%04d", number);
  return text;
}

bool split_programs(std::string_view text, const DateTime& now, std::vector<ProgramPtr>* programs) {
  std::shared_ptr<Program> current;
  std::vector<ProgramPtr> found;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view content = trimmed(line);
    if (content == "%" || (content.empty() && !current)) continue;
    if (std::string name = name_of(content); !name.empty()) {
      current = std::make_shared<Program>();
      current->name = std::move(name);
      current->number = program_number(current->name);
      current->comment = comment_of(content);
      current->modified = now;
      found.push_back(current);
      line = content;
    }
    if (!current) return false;
    current->line_start.push_back(static_cast<std::uint32_t>(current->text.size()));
    current->text.append(line);
    current->text += '\n';
  }
  if (found.empty()) return false;
  programs->insert(programs->end(), found.begin(), found.end());
  return true;
}

}  // namespace rise::cncsim
