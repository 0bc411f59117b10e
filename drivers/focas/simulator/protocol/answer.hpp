// The data of one reply block while a command writes it. Nothing is allocated; what does not fit
// is refused and remembered.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#include "drivers/focas/wire/frame.hpp"
#include "drivers/focas/wire/number.hpp"

namespace rise::cncsim {

class Answer {
 public:
  // room: bytes that the block's data may have.
  void clear(std::size_t room) {
    size_ = 0;
    room_ = std::min(room, memory_.size());
    overflow_ = false;
    detail[0] = detail[1] = 0;
  }

  [[nodiscard]] std::size_t room() const { return room_ - size_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool overflow() const { return overflow_; }
  [[nodiscard]] focas::wire::Bytes data() const { return {memory_.data(), size_}; }

  void put_u16(unsigned value) {
    if (std::uint8_t* p = take(2)) focas::wire::store_u16(p, static_cast<std::uint16_t>(value));
  }
  void put_i16(int value) { put_u16(static_cast<unsigned>(value)); }
  void put_i32(std::int32_t value) {
    if (std::uint8_t* p = take(4)) focas::wire::store_i32(p, value);
  }
  void put_u32(std::uint32_t value) { put_i32(static_cast<std::int32_t>(value)); }
  void put_number(const focas::wire::Number& number) {
    if (std::uint8_t* p = take(8)) focas::wire::store_number(p, number);
  }
  void put_double(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    put_u32(static_cast<std::uint32_t>(bits >> 32));
    put_u32(static_cast<std::uint32_t>(bits));
  }
  // Cut or filled with zeros to `width`.
  void put_text(std::string_view text, std::size_t width) {
    std::uint8_t* p = take(width);
    if (p == nullptr) return;
    const std::size_t n = std::min(text.size(), width);
    std::copy_n(text.begin(), n, p);
    std::fill_n(p + n, width - n, std::uint8_t{0});
  }
  void put_zeros(std::size_t count) { put_text({}, count); }
  void put_bytes(focas::wire::Bytes bytes) {
    std::uint8_t* p = take(bytes.size());
    if (p != nullptr) std::copy(bytes.begin(), bytes.end(), p);
  }

  std::int16_t detail[2] = {};

 private:
  std::uint8_t* take(std::size_t bytes) {
    if (bytes > room_ - size_) {
      overflow_ = true;
      return nullptr;
    }
    size_ += bytes;
    return memory_.data() + size_ - bytes;
  }

  std::array<std::uint8_t, focas::wire::kLargestFrame> memory_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
  bool overflow_ = false;
};

}  // namespace rise::cncsim
