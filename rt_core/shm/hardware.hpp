// How the lock-free structures reach shared words. They are written once, as templates over this
// policy: Hardware is the real machine; tests/model has another one that explores every outcome the
// C++ memory model allows. So the code that is checked is the code that runs.
#pragma once

#include <atomic>
#include <cstdint>

namespace rise::shm {

using Word = std::uint64_t;

struct Hardware {
  static Word load(const Word* word, std::memory_order order) {
    // atomic_ref of const arrives with C++26; a load does not write, so the cast is harmless, also
    // on a read-only mapping.
    return std::atomic_ref<Word>(*const_cast<Word*>(word)).load(order);
  }
  static void store(Word* word, Word value, std::memory_order order) {
    std::atomic_ref<Word>(*word).store(value, order);
  }
  static void fence(std::memory_order order) { std::atomic_thread_fence(order); }
};

static_assert(std::atomic_ref<Word>::is_always_lock_free);

}  // namespace rise::shm
