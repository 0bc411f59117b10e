// A part program as the control stores it, and the taking apart of a downloaded text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/focas/simulator/spec/calendar.hpp"

namespace rise::cncsim {

struct Program {
  std::string name;     // "O1234", or what stood between < and >
  int number = 0;       // 0: a program with a name that is no O number
  std::string comment;  // of the first line, with its parentheses; may be empty
  std::string text;     // lines ended by '\n', from the O word on, without '%'
  DateTime modified;

  // Line `index`, without its end. Lines are counted from 0.
  [[nodiscard]] std::string_view line(std::size_t index) const;
  [[nodiscard]] std::size_t line_count() const { return line_start.size(); }
  std::vector<std::uint32_t> line_start;
};

using ProgramPtr = std::shared_ptr<const Program>;

// "O1234" -> 1234; 0: not an O number.
int program_number(std::string_view name);
// 12 -> "O0012".
std::string program_name(int number);

// Takes a text of one or more programs apart; "%" lines and carriage returns are dropped. False:
// something stands before the first O word, or there is none.
bool split_programs(std::string_view text, const DateTime& now, std::vector<ProgramPtr>* programs);

}  // namespace rise::cncsim
