#include "plugins/redis/pipeline.hpp"

#include <charconv>

namespace rise::redis {

namespace {

// "*3\r\n" and "$11\r\n".
void add_head(std::string* to, char kind, std::size_t number) {
  char head[24];
  head[0] = kind;
  char* end = std::to_chars(head + 1, head + sizeof head - 2, number).ptr;
  *end++ = '\r';
  *end++ = '\n';
  to->append(head, end);
}

}  // namespace

// The same bytes as hiredis' redisFormatCommandArgv, to which a test holds them. That one calls
// sprintf for every word and allocates for every command: with the 20 words of a message it took
// longer than Redis needs to store them.
void Pipeline::add(std::span<const std::string_view> words) {
  constexpr std::size_t kHead = 8;
  std::size_t room = bytes_.size() + kHead;
  for (const std::string_view word : words) room += word.size() + kHead;
  if (room > bytes_.capacity()) bytes_.reserve(room + room / 2);
  add_head(&bytes_, '*', words.size());
  for (const std::string_view word : words) {
    add_head(&bytes_, '$', word.size());
    bytes_ += word;
    bytes_ += "\r\n";
  }
  ends_.push_back(bytes_.size());
}

void Pipeline::append(std::string_view encoded) {
  bytes_ += encoded;
  ends_.push_back(bytes_.size());
}

}  // namespace rise::redis
