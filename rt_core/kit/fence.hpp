// Memory whose last byte is followed by a page that may not be touched, and which may itself be
// made read-only: a driver that reads beyond a message, beyond the struct_size of a struct, or that
// writes into what belongs to the host, crashes at that instruction instead of some day.
#pragma once

#include <cstddef>

namespace rise::kit {

class Fence {
 public:
  explicit Fence(std::size_t capacity);
  ~Fence();
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;
  // Copies so that the copy ends at the fence. The copy before it is lost.
  void* put(const void* bytes, std::size_t size);
  // From now on nobody may write.
  void close();

  // Whether an address belongs to any fence of this process. Async-signal-safe.
  static bool holds(const void* address);

 private:
  unsigned char* base_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace rise::kit
