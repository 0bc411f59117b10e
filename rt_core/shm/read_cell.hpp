// Reads the latest snapshot out of a stamped cell of the region.
#pragma once

#include <cstring>

#include "rt_core/shm/region.hpp"
#include "rt_core/shm/stamped_cell.hpp"

namespace rise::shm {

// False: never written, or there is no such cell.
template <class Message>
bool read_cell(const Region& region, SectionKind kind, std::size_t index, Message* message) {
  using Cell = StampedCell<Hardware>;
  std::size_t words = 0;
  const Word* cell = region.cell(kind, index, &words);
  if (cell == nullptr || words * sizeof(Word) != sizeof(Message)) return false;
  Word payload[sizeof(Message) / sizeof(Word)];
  for (int round = 0; round < 100; ++round) {  // the writer needs less than a microsecond
    const Word stamp = Cell::stamp(cell);
    if (stamp == 0) return false;
    if (stamp % 2 != 0 || !Cell::copy(cell, stamp, payload, words)) continue;
    std::memcpy(static_cast<void*>(message), payload, sizeof *message);
    return true;
  }
  return false;
}

}  // namespace rise::shm
