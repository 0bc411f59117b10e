#include "plugins/redis/pipeline.hpp"

#include <charconv>
#include <cstring>

namespace rise::redis {

namespace {

constexpr std::size_t kHead = 24;  // at most, of a head and of the end behind a word

// "*3\r\n" and "$11\r\n".
char* put_head(char* to, char kind, std::size_t number) {
  *to++ = kind;
  if (number < 10) {
    *to++ = static_cast<char>('0' + number);
  } else if (number < 100) {
    *to++ = static_cast<char>('0' + number / 10);
    *to++ = static_cast<char>('0' + number % 10);
  } else {
    to = std::to_chars(to, to + kHead - 6, number).ptr;
  }
  *to++ = '\r';
  *to++ = '\n';
  return to;
}

}  // namespace

// The same bytes as hiredis' redisFormatCommandArgv, to which a test holds them. That one calls
// sprintf for every word and allocates for every command: with the 20 words of a message it took
// longer than Redis needs to store them.
void Pipeline::add(std::span<const std::string_view> words) {
  const std::size_t begin = bytes_.size();
  std::size_t room = begin + kHead;
  for (const std::string_view word : words) room += word.size() + kHead;
  if (room > bytes_.capacity()) bytes_.reserve(2 * room);
  bytes_.resize(room);
  char* to = put_head(bytes_.data() + begin, '*', words.size());
  for (const std::string_view word : words) {
    to = put_head(to, '$', word.size());
    if (!word.empty()) std::memcpy(to, word.data(), word.size());
    to += word.size();
    *to++ = '\r';
    *to++ = '\n';
  }
  bytes_.resize(static_cast<std::size_t>(to - bytes_.data()));
  ends_.push_back(bytes_.size());
}

void Pipeline::append(std::string_view encoded) {
  bytes_ += encoded;
  ends_.push_back(bytes_.size());
}

}  // namespace rise::redis
