// Reads the latest snapshot out of a stamped cell of the region.
#pragma once

#include <cstring>

#include "rt_core/shm/region.hpp"
#include "rt_core/shm/stamped_cell.hpp"

namespace rise::cli {

// False: never written, or there is no such cell.
template <class Message>
bool read_cell(const shm::Region& region, shm::SectionKind kind, std::size_t index,
               Message* message) {
  using Cell = shm::StampedCell<shm::Hardware>;
  std::size_t words = 0;
  const shm::Word* cell = region.cell(kind, index, &words);
  if (cell == nullptr || words * sizeof(shm::Word) != sizeof(Message)) return false;
  shm::Word payload[sizeof(Message) / sizeof(shm::Word)];
  for (int round = 0; round < 100; ++round) {  // the writer needs less than a microsecond
    const shm::Word stamp = Cell::stamp(cell);
    if (stamp == 0) return false;
    if (stamp % 2 != 0 || !Cell::copy(cell, stamp, payload, words)) continue;
    std::memcpy(static_cast<void*>(message), payload, sizeof *message);
    return true;
  }
  return false;
}

}  // namespace rise::cli
