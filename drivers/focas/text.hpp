// Short texts put together on the lane: no allocation, no printf; cut when full.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rise::focas {

// Controls send names and messages in their national character set, or stale memory. What leaves
// the driver is plain ASCII, which is UTF-8 as the ABI wants it.
inline char printable(char c) { return c >= 0x20 && c < 0x7f ? c : '?'; }

class Text {
 public:
  Text& add(const char* text) {
    while (*text != '\0') put(*text++);
    return *this;
  }
  Text& add(std::int64_t number) {
    char digits[20];
    int count = 0;
    std::uint64_t rest =
        number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    do {
      digits[count++] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    if (number < 0) put('-');
    while (count > 0) put(digits[--count]);
    return *this;
  }
  [[nodiscard]] const char* c_str() const { return text_; }

 private:
  void put(char c) {
    if (size_ + 1 < sizeof text_) text_[size_++] = printable(c);
  }
  char text_[128] = {};
  std::size_t size_ = 0;
};

}  // namespace rise::focas
