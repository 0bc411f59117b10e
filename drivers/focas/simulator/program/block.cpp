#include "drivers/focas/simulator/program/block.hpp"

#include <cctype>

namespace rise::cncsim {

namespace {

constexpr std::size_t kMaxDigits = 9;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Reads the number at the start of `text` and takes it away.
ProgramFault parse_number(std::string_view* text, Word* word) {
  bool negative = false;
  bool sign = false;
  std::size_t digits = 0;
  double value = 0;
  double place = 1;
  while (!text->empty()) {
    const char c = text->front();
    if (c == '-' || c == '+') {
      if (sign || digits != 0 || word->point) return kIllegalMinus;
      sign = true;
      negative = c == '-';
    } else if (c == '.') {
      if (word->point) return kIllegalPoint;
      word->point = true;
    } else if (is_digit(c)) {
      if (++digits > kMaxDigits) return kTooManyDigits;
      value = value * 10 + (c - '0');
      if (word->point) place *= 10;
    } else if (!is_blank(c)) {
      break;
    }
    text->remove_prefix(1);
  }
  if (digits == 0) return kNoData;
  word->value = (negative ? -value : value) / place;
  return {};
}

}  // namespace

ProgramFault parse_block(std::string_view line, bool block_skip, Block* block) {
  block->count = 0;
  block->skipped = false;
  while (!line.empty()) {
    const char c = line.front();
    line.remove_prefix(1);
    if (is_blank(c)) continue;
    if (c == ';' || c == '%') break;
    if (c == '(') {
      const std::size_t end = line.find(')');
      line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
      continue;
    }
    if (c == '/') {
      if (block->count != 0) return kImproperAddress;  // optional skip inside a block: not offered
      if (!line.empty() && is_digit(line.front())) line.remove_prefix(1);
      if (!block_skip) continue;
      block->skipped = true;
      return {};
    }
    if (is_digit(c) || c == '.' || c == '-' || c == '+') return kInvalidBreak;
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) return kImproperAddress;
    if (block->count == Block::kMaxWords) return kImproperAddress;
    Word word;
    word.letter = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (const ProgramFault fault = parse_number(&line, &word)) return fault;
    block->words[block->count++] = word;
  }
  return {};
}

}  // namespace rise::cncsim
