// What Redis answers (RESP2), and the reader that makes it out of bytes: hiredis' parser, with
// values of our own and with limits, since hiredis 0.14 believes any length that it is told.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/redis/options.hpp"

namespace rise::redis {

struct Reply {
  enum class Kind : std::uint8_t {
    Nil,
    Status,  // "OK"
    Error,   // "OOM command not allowed ..."
    Integer,
    Text,
    Array,
    Lost,  // there was none: the link broke, or it took too long; `text` says why
  };
  Kind kind = Kind::Nil;
  std::int64_t integer = 0;
  std::string text;
  std::vector<Reply> elements;

  [[nodiscard]] bool is(Kind which) const { return kind == which; }
  [[nodiscard]] bool failed() const { return kind == Kind::Error || kind == Kind::Lost; }
  // Text or Status.
  [[nodiscard]] bool has_text() const { return kind == Kind::Text || kind == Kind::Status; }
  static Reply lost(std::string_view why) { return {Kind::Lost, 0, std::string(why), {}}; }
};

class ReplyReader {
 public:
  explicit ReplyReader(const Limits& limits);
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  enum class Next : std::uint8_t {
    Reply,   // there it is
    More,    // the bytes so far end within a reply, or between two
    Broken,  // what came is no reply, or exceeds a limit: see fault(). Stays so.
  };
  // Bytes as they come, torn anywhere.
  void feed(const char* bytes, std::size_t length);
  // The next whole one. `reply` is overwritten, unless it is More.
  Next next(Reply* reply);
  [[nodiscard]] const std::string& fault() const;
  // Whether a reply has begun and is not whole yet.
  [[nodiscard]] bool within() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rise::redis
