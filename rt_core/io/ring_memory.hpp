// Memory that is shared with the kernel's side of an io_uring.
#pragma once

#include <sys/mman.h>

#include <cstddef>

namespace rise::io {

// Anonymous and touched; nullptr if there is none. Buffers in .bss may fail to register on Linux
// 6.1, because their page is shared with the file mapping.
inline void* ring_memory(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace rise::io
