// The commands of the control socket, one line each: line in, answer out. No input or output of
// its own. An answer begins with "ok" or "error" and has no line end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "drivers/focas/simulator/process/fleet.hpp"

namespace rise::cncsim {

// The words of a line, taken one after the other.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) { skip_blanks(); }
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  // Empty if there is none.
  std::string_view next();
  // All that is left, blanks included.
  std::string_view rest();
  // False: no word, or no whole number.
  bool next_integer(int* value);
  bool next_number(double* value);
  // "on" or "off".
  bool next_switch(bool* on);

 private:
  void skip_blanks();
  std::string_view rest_;
};

// Which control (and path) a command is for: "mill-1", "lathe-1/2".
struct Target {
  Machine* machine = nullptr;
  Path* path = nullptr;
  std::size_t index = 0;  // of the path
};

class Console {
 public:
  explicit Console(const Fleet& fleet) : fleet_(fleet) {}

  std::string answer(std::string_view line, std::int64_t now_ns);

  struct Command {
    const char* name;
    std::string (*run)(const Target& target, Words& words);
    const char* usage;  // what follows the name of the command
  };

 private:
  [[nodiscard]] std::string list() const;
  [[nodiscard]] bool find_target(std::string_view name, Target* target) const;

  const Fleet& fleet_;
};

// By subject, in console_<subject>.cpp; each table ends with an entry without a name.
extern const Console::Command kOrderCommands[];
extern const Console::Command kFaultCommands[];
extern const Console::Command kValueCommands[];

std::string ok(const std::string& text = "");
std::string error(const std::string& text);

}  // namespace rise::cncsim
