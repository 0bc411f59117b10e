// One payload that a single writer replaces while any number of readers copy it; a reader knows
// whether its copy is whole. The building block of the broadcast ring and of the snapshots.
//
// Layout: one stamp word, then the payload's words. An odd stamp means "being written"; an even one
// names the version of the payload. (A seqlock, after Boehm, "Can seqlocks get along with
// programming language memory models?", MSPC 2012.)
//
//   writer                          reader
//   stamp = odd    (relaxed)        before = stamp     (acquire)
//   fence          (release)        copy payload       (relaxed words)
//   payload words  (relaxed)        fence              (acquire)
//   stamp = even   (release)        after = stamp      (relaxed)     whole if before == after, even
//
// The dangerous interleaving: the reader copies while the writer is already at the next version.
//
//   reader:  before=2 . . copy w0(old) . . . . copy w1(NEW) . . after=?
//   writer:  . . . . . . . . . . . . stamp=3 . w1=NEW . . . . .
//
// w1=NEW comes after the writer's release fence, the reader's copy of it before its acquire fence;
// so the fences synchronise, and `after` must see 3 or later: the copy is rejected. Without either
// fence `after` may still read 2; tests/model shows that outcome and that the fences exclude it.
#pragma once

#include <cstddef>

#include "rt_core/shm/hardware.hpp"

namespace rise::shm {

template <class Memory>
struct StampedCell {
  static constexpr std::size_t words(std::size_t payload_words) { return 1 + payload_words; }

  // The single writer. `stamp` is even and larger than the one before.
  static void write(Word* cell, Word stamp, const Word* payload, std::size_t payload_words) {
    Memory::store(cell, stamp - 1, std::memory_order_relaxed);  // ordered by the fence below
    Memory::fence(std::memory_order_release);
    for (std::size_t i = 0; i < payload_words; ++i) {
      Memory::store(cell + 1 + i, payload[i], std::memory_order_relaxed);  // between the stamps
    }
    Memory::store(cell, stamp, std::memory_order_release);  // publishes the words above
  }

  // Any reader. The stamp as it stands; pairs with the writer's last store.
  static Word stamp(const Word* cell) { return Memory::load(cell, std::memory_order_acquire); }

  // Any reader. True: `out` holds the payload of version `expected`, whole. False: it was replaced.
  // `expected` was returned by stamp() and is even.
  static bool copy(const Word* cell, Word expected, Word* out, std::size_t payload_words) {
    for (std::size_t i = 0; i < payload_words; ++i) {
      out[i] = Memory::load(cell + 1 + i, std::memory_order_relaxed);  // ordered by the fence below
    }
    Memory::fence(std::memory_order_acquire);
    return Memory::load(cell, std::memory_order_relaxed) == expected;  // after the fence
  }
};

}  // namespace rise::shm
