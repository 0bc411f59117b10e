// One writer replaces the payload of a stamped cell, one reader copies it.
#pragma once

#include <array>

#include "rt_core/shm/stamped_cell.hpp"
#include "tests/model/model_memory.hpp"

namespace rise::model {

struct CellPlan {
  std::size_t payload_words = 2;  // at most kPayloadMax
  Word versions = 2;
  int attempts = 2;  // of the reader
};

template <class Memory>
class CellScenario {
 public:
  static constexpr std::size_t kPayloadMax = 4;

  // What was seen in some execution.
  bool accepted_last = false;
  bool accepted_earlier = false;
  bool rejected = false;
  bool being_written = false;

  CellScenario(Explorer& explorer, const CellPlan& plan) : explorer_(explorer), plan_(plan) {
    cell_ = explorer.words(Cell::words(plan.payload_words));
    explorer.name(cell_, "stamp", Role::Stamp);
    for (std::size_t i = 0; i < plan.payload_words; ++i) {
      explorer.name(cell_ + 1 + i, "w" + std::to_string(i), Role::Payload);
    }
    explorer.thread("writer", [this] { write(); });
    explorer.thread("reader", [this] { read(); });
    explorer.at_end([this] { attempt(2 * plan_.versions); });
  }

 private:
  using Cell = shm::StampedCell<Memory>;

  // Version 0 is the zeroed memory.
  static Word word_of(Word version, std::size_t i) { return version == 0 ? 0 : version * 10 + i; }

  void write() {
    for (Word version = 1; version <= plan_.versions; ++version) {
      std::array<Word, kPayloadMax> payload;
      for (std::size_t i = 0; i < plan_.payload_words; ++i) payload[i] = word_of(version, i);
      Cell::write(cell_, 2 * version, payload.data(), plan_.payload_words);
    }
  }

  void read() {
    Word oldest = 0;
    for (int i = 0; i < plan_.attempts; ++i) oldest = attempt(oldest);
  }

  // The stamp that was seen; at least `oldest`.
  Word attempt(Word oldest) {
    const Word stamp = Cell::stamp(cell_);
    explorer_.check(stamp >= oldest, "the stamp goes back");
    if (stamp % 2 != 0) {
      being_written = true;
      return stamp;
    }
    std::array<Word, kPayloadMax> out;
    if (!Cell::copy(cell_, stamp, out.data(), plan_.payload_words)) {
      rejected = true;
      return stamp;
    }
    for (std::size_t i = 0; i < plan_.payload_words; ++i) {
      explorer_.check(out[i] == word_of(stamp / 2, i), "torn: a payload of another version");
    }
    (stamp == 2 * plan_.versions ? accepted_last : accepted_earlier) = true;
    return stamp;
  }

  Explorer& explorer_;
  CellPlan plan_;
  Word* cell_ = nullptr;
};

}  // namespace rise::model
