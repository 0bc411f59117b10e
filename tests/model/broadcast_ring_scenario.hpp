// One writer publishes frames, one or two readers follow; at the end each reads what is left.
#pragma once

#include <array>

#include "rt_core/shm/broadcast_ring.hpp"
#include "tests/model/model_memory.hpp"

namespace rise::model {

struct RingPlan {
  std::size_t capacity = 2;
  std::size_t payload_words = 2;  // at most kPayloadMax
  Word frames = 3;
  int readers = 1;
  int calls = 3;       // of next(), by each reader while the writer is at work
  bool ask = false;    // readers ask for their backlog first
  bool late = false;   // readers begin at the oldest frame that they can find
  bool prompt = true;  // next() must find every frame that the reader has evidence of
};

template <class Memory>
class RingScenario {
 public:
  // What was seen in some execution.
  bool got_all = false;           // a reader lost nothing
  bool lost_some = false;         // a reader was overtaken
  bool found_nothing = false;     // next() said so while the writer was at work
  bool joined_late = false;       // a reader began behind frame 0
  bool out_of_rounds = false;     // overtaken until next() gave up
  bool lost_before_head = false;  // overtaken, but the head did not show it yet

  RingScenario(Explorer& explorer, const RingPlan& plan)
      : explorer_(explorer), plan_(plan), shape_{plan.capacity, plan.payload_words} {
    memory_ = explorer.words(shape_.total_words());
    explorer.name(memory_, "head", Role::Head);
    for (std::size_t slot = 0; slot < plan.capacity; ++slot) {
      const Word* const cell = memory_ + shm::kRingHeaderWords + slot * shape_.slot_words();
      const std::string name = "slot" + std::to_string(slot);
      explorer.name(cell, name + ".stamp", Role::Stamp);
      for (std::size_t i = 0; i < plan.payload_words; ++i) {
        explorer.name(cell + 1 + i, name + ".w" + std::to_string(i), Role::Payload);
      }
    }
    explorer.at_start([this] { reset(); });
    explorer.thread("writer", [this] { write(); });
    for (int i = 0; i < plan.readers; ++i) {
      Follower& follower = followers_[static_cast<std::size_t>(i)];
      explorer.thread("reader" + std::to_string(i + 1), [this, &follower] { read(follower); });
    }
    explorer.at_end([this] { drain(); });
  }

 private:
  static constexpr std::size_t kPayloadMax = 4;
  static constexpr Word kRounds = 4;  // of BroadcastReader::next()

  struct Follower {
    shm::BroadcastReader<Memory> reader;
    Word begin = 0;
    Word delivered = 0;
  };

  static Word word_of(Word frame, std::size_t i) { return (frame + 1) * 10 + i; }
  const Word* stamp_of(Word frame) const {
    return memory_ + shm::kRingHeaderWords + (frame & (shape_.capacity - 1)) * shape_.slot_words();
  }
  bool overwritten(Word frame) const { return explorer_.known(stamp_of(frame)) > 2 * frame + 2; }

  void reset() {
    writer_ = shm::BroadcastWriter<Memory>(memory_, shape_);
    for (Follower& follower : followers_) {
      follower = {};
      follower.reader = shm::BroadcastReader<Memory>(memory_, shape_, 0);
    }
  }

  void write() {
    for (Word frame = 0; frame < plan_.frames; ++frame) {
      std::array<Word, kPayloadMax> payload;
      for (std::size_t i = 0; i < plan_.payload_words; ++i) payload[i] = word_of(frame, i);
      writer_.publish(payload.data());
    }
  }

  void read(Follower& follower) {
    if (plan_.late) {
      follower.begin = follower.reader.oldest();
      follower.reader.seek(follower.begin);
      joined_late = joined_late || follower.begin != 0;
    }
    for (int i = 0; i < plan_.calls; ++i) {
      const Word backlog = plan_.ask ? follower.reader.backlog() : 0;
      const bool moved = step(follower);
      explorer_.check(!plan_.prompt || moved || backlog == 0,
                      "overlooked: there is a backlog, next() has nothing");
      found_nothing = found_nothing || !moved;
    }
  }

  // One call of next(), and all that must be true of it. False: nothing was delivered or lost.
  bool step(Follower& follower) {
    shm::BroadcastReader<Memory>& reader = follower.reader;
    const Word begin = reader.cursor();
    const Word lost = reader.lost();
    std::array<Word, kPayloadMax> out;
    const bool got = reader.next(out.data());
    const Word missed = reader.lost() - lost;
    explorer_.check(reader.cursor() == begin + missed + (got ? 1 : 0), "frames are not counted");
    const Word head = explorer_.known(memory_);
    // What is skipped is gone, but for the head start of a quarter of a larger ring.
    const Word keep = shape_.capacity - shape_.capacity / 4;
    for (Word frame = begin; frame < begin + missed; ++frame) {
      explorer_.check(overwritten(frame) || frame + keep < head,
                      "a frame is skipped that is there");
      lost_before_head = lost_before_head || head < frame + shape_.capacity;
    }
    if (got) {
      ++follower.delivered;
      for (std::size_t i = 0; i < plan_.payload_words; ++i) {
        explorer_.check(out[i] == word_of(begin + missed, i), "torn: a payload of another frame");
      }
    } else {
      out_of_rounds = out_of_rounds || missed >= kRounds;
      explorer_.check(!plan_.prompt || missed >= kRounds || head <= reader.cursor(),
                      "overlooked: the reader knows of a frame that next() does not find");
    }
    lost_some = lost_some || missed != 0;
    return got || missed != 0;
  }

  // All is published and visible now.
  void drain() {
    explorer_.check(writer_.published() == plan_.frames, "published() is wrong");
    const Word first_kept = plan_.frames > plan_.capacity ? plan_.frames - plan_.capacity : 0;
    for (int i = 0; i < plan_.readers; ++i) {
      Follower& follower = followers_[static_cast<std::size_t>(i)];
      for (Word left = plan_.frames + 1; left != 0 && step(follower); --left) {
      }
      explorer_.check(follower.reader.cursor() == plan_.frames, "the reader does not catch up");
      explorer_.check(follower.begin + follower.delivered + follower.reader.lost() == plan_.frames,
                      "delivered + lost is not what was published");
      explorer_.check(follower.reader.backlog() == 0, "a backlog after the last frame");
      // With capacity 2 there is no head start: only what is overwritten may be lost.
      explorer_.check(plan_.capacity > 2 || follower.reader.lost() <= first_kept, "lost too many");
      got_all = got_all || follower.delivered == plan_.frames;
    }
  }

  Explorer& explorer_;
  RingPlan plan_;
  shm::RingShape shape_;
  Word* memory_ = nullptr;
  shm::BroadcastWriter<Memory> writer_;
  std::array<Follower, 2> followers_;
};

}  // namespace rise::model
