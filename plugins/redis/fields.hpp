// A message as the fields of a stream's entry, so that redis-cli and other programs can read it:
//   id topic type source time encoding payload, always, in this order; and, where they are not as
//   usual, priority guarantee version destination* correlation reply_to ttl_ms retry_attempts
//   retry_first_ms retry_max_ms header:<name>* schema sequence. (* may occur several times.)
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/bus/message.hpp"
#include "plugins/redis/reply.hpp"

namespace rise::redis {

// Words of a command that lie partly in a message, partly here. Valid as long as both are.
class Words {
 public:
  void clear() {
    words_.clear();
    used_ = 0;
  }
  void add(std::string_view word) { words_.push_back(word); }
  void keep(std::string_view word) {
    if (used_ == kept_.size()) kept_.emplace_back();
    words_.push_back(kept_[used_++].assign(word));
  }
  [[nodiscard]] std::span<const std::string_view> all() const { return words_; }

 private:
  std::vector<std::string_view> words_;
  std::deque<std::string> kept_;  // does not move what is in it; used again with its memory
  std::size_t used_ = 0;
};

// Adds name and value of each field.
void add_fields(const bus::Message& message, Words* words);

// From names and values in turn. Empty: `message` is whole. Else what is wrong. Fields that it does
// not know are passed over: a newer writer may have more.
std::string message_of(std::span<const Reply> fields, bus::Message* message);

// What is no message of ours, as one that carries the text of another program (plugins/foreign):
// the value of its only field, or a JSON object of all of them.
bus::Message foreign_of(std::span<const Reply> fields, std::string_view topic,
                        std::string_view entry);
bus::Message foreign_of(std::string_view text, std::string_view topic);

}  // namespace rise::redis
