// Commands in the order in which they are to be sent, encoded as Redis reads them (RESP arrays of
// bulk strings), in one run of bytes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rise::redis {

class Pipeline {
 public:
  Pipeline() = default;
  explicit Pipeline(std::initializer_list<std::string_view> words) { add(words); }

  // One command: its name and arguments, of any bytes.
  void add(std::span<const std::string_view> words);
  void add(std::initializer_list<std::string_view> words) {
    add(std::span(words.begin(), words.size()));
  }
  // Room for so much, so that it is not moved while it grows.
  void reserve(std::size_t bytes, std::size_t count) {
    bytes_.reserve(bytes);
    ends_.reserve(count);
  }
  // One that is encoded already.
  void append(std::string_view encoded);

  [[nodiscard]] std::size_t count() const { return ends_.size(); }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::string_view command(std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::string_view(bytes_).substr(begin, ends_[index] - begin);
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

}  // namespace rise::redis
