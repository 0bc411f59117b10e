#include "rt_core/kit/fence.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rise::kit {

namespace {

constexpr std::size_t kPage = 4096;
struct Span {
  const unsigned char* begin;
  const unsigned char* end;
};
Span spans[64];  // plain: one thread, and its signal handler

}  // namespace

Fence::Fence(std::size_t capacity) : capacity_((capacity + kPage - 1) / kPage * kPage) {
  void* memory = ::mmap(nullptr, capacity_ + kPage, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("rise-driver-check: mmap");
    std::abort();
  }
  base_ = static_cast<unsigned char*>(memory);
  ::mprotect(base_ + capacity_, kPage, PROT_NONE);
  for (Span& span : spans) {
    if (span.begin != nullptr) continue;
    span = {base_, base_ + capacity_ + kPage};
    return;
  }
}

Fence::~Fence() {
  for (Span& span : spans) {
    if (span.begin == base_) span = {};
  }
  ::munmap(base_, capacity_ + kPage);
}

void* Fence::put(const void* bytes, std::size_t size) {
  unsigned char* place = base_ + capacity_ - size;
  if (size != 0) std::memcpy(place, bytes, size);
  return place;
}

void Fence::close() { ::mprotect(base_, capacity_, PROT_READ); }

bool Fence::holds(const void* address) {
  for (const Span& span : spans) {
    if (span.begin != nullptr && address >= span.begin && address < span.end) return true;
  }
  return false;
}

}  // namespace rise::kit
