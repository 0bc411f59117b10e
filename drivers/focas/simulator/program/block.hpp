// One line of a part program as words: letter and number. Knows the spelling, not the meaning.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace rise::cncsim {

// A program alarm with the text that the control shows.
struct ProgramFault {
  int number = 0;
  const char* text = "";

  explicit operator bool() const { return number != 0; }
};

inline constexpr ProgramFault kTooManyDigits{3, "TOO MANY DIGIT"};
inline constexpr ProgramFault kInvalidBreak{4, "INVALID BREAK POINT OF WORDS"};
inline constexpr ProgramFault kNoData{5, "NO DATA AFTER ADDRESS"};
inline constexpr ProgramFault kIllegalMinus{6, "ILLEGAL USE OF MINUS SIGN"};
inline constexpr ProgramFault kIllegalPoint{7, "ILLEGAL USE OF DECIMAL POINT"};
inline constexpr ProgramFault kImproperAddress{9, "IMPROPER NC-ADDRESS"};

struct Word {
  char letter = 0;
  bool point = false;  // was written with a decimal point
  double value = 0;
};

struct Block {
  static constexpr std::size_t kMaxWords = 32;

  std::array<Word, kMaxWords> words;
  std::size_t count = 0;
  bool skipped = false;  // the line begins with '/' and block skip is on
};

// Fills *block from one line; comments are dropped. The fault is none (number 0) if the line can
// be read. A skipped line is not read further.
ProgramFault parse_block(std::string_view line, bool block_skip, Block* block);

}  // namespace rise::cncsim
