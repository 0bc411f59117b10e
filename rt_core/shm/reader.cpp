#include "rt_core/shm/reader.hpp"

#include <algorithm>
#include <cstring>

#include "rt_core/shm/file_lock.hpp"
#include "rt_core/shm/process.hpp"

namespace rise::shm {

namespace {

std::string slot_name(const ReaderSlot& slot) {
  return {slot.name, ::strnlen(slot.name, sizeof slot.name)};
}

// The slot of that name, or a free one. Null: the reason is in *why.
ReaderSlot* claim(std::span<ReaderSlot> slots, const std::string& name, std::string* why) {
  ReaderSlot* free_slot = nullptr;
  for (ReaderSlot& slot : slots) {
    if (slot_name(slot) == name) {
      if (alive({slot.pid, slot.start_time})) {
        *why = "reader \"" + name + "\" is already running (pid " + std::to_string(slot.pid) + ")";
        return nullptr;
      }
      return &slot;
    }
    if (slot.name[0] == '\0' && free_slot == nullptr) free_slot = &slot;
  }
  if (free_slot != nullptr) return free_slot;
  *why = "all " + std::to_string(slots.size()) + " reader places are taken by:";
  for (const ReaderSlot& slot : slots) *why += " " + slot_name(slot);
  return nullptr;
}

}  // namespace

Result<Reader> Reader::open(const Region& region, const std::string& name, Start start) {
  Reader reader;
  if (!name.empty()) {
    if (!region.writable()) return Failure{"a named reader needs a region attached for writing"};
    if (name.size() >= sizeof(ReaderSlot::name))
      return Failure{"reader name \"" + name + "\" is too long"};
    const FileLock lock(region.in().fd(), static_cast<int>(LockByte::Readers));
    std::string why;
    reader.slot_ = claim(region.readers(), name, &why);
    if (reader.slot_ == nullptr) return Failure{why};
    ReaderSlot& slot = *reader.slot_;
    reader.resumed_ = slot.name[0] != '\0';
    if (!reader.resumed_) {
      std::memset(&slot, 0, sizeof slot);
      std::memcpy(slot.name, name.data(), name.size());
    }
    const ProcessId me = self();
    slot.pid = me.pid;
    slot.start_time = me.start_time;
    ++slot.attachments;
    reader.frames_ = slot.frames;
    reader.lost_before_ = slot.lost;
  }
  const auto add = [&](SectionKind kind, std::uint32_t lane, Word kept,
                       std::vector<BroadcastReader<>>* readers) {
    RingShape shape;
    const Word* memory = region.ring(kind, lane, &shape);
    BroadcastReader<> ring(memory, shape, 0);
    const Word head = ring.backlog();  // cursor 0: all that was ever published
    // A kept position beyond the head is damage: it would wait for ever.
    Word cursor = start == Start::Newest ? head : ring.oldest();
    if (reader.resumed_ && kept <= head) cursor = kept;
    ring.seek(cursor);
    readers->push_back(ring);
  };
  for (std::uint32_t lane = 0; lane < region.lane_count(); ++lane) {
    const ReaderSlot* slot = reader.slot_;
    add(SectionKind::Telemetry, lane, slot == nullptr ? 0 : slot->telemetry[lane],
        &reader.telemetry_);
    add(SectionKind::Events, lane, slot == nullptr ? 0 : slot->events[lane], &reader.events_);
    add(SectionKind::Results, lane, slot == nullptr ? 0 : slot->results[lane], &reader.results_);
  }
  reader.commit();
  return reader;
}

template <class Message>
bool Reader::take(std::vector<BroadcastReader<>>* readers, std::uint32_t* turn, Message* message,
                  std::uint32_t* lane) {
  Word words[sizeof(Message) / sizeof(Word)];
  for (std::size_t i = 0; i < readers->size(); ++i) {
    const auto at = static_cast<std::uint32_t>((*turn + i) % readers->size());
    if (!(*readers)[at].next(words)) continue;
    *turn = at + 1;
    std::memcpy(static_cast<void*>(message), words, sizeof *message);
    if (lane != nullptr) *lane = at;
    return true;
  }
  return false;
}

bool Reader::next(message::TelemetryFrame* frame, std::uint32_t* lane) {
  if (!take(&telemetry_, &telemetry_turn_, frame, lane)) return false;
  ++frames_;
  return true;
}
bool Reader::next(message::MachineEvent* event, std::uint32_t* lane) {
  return take(&events_, &events_turn_, event, lane);
}
bool Reader::next(message::CommandResult* result, std::uint32_t* lane) {
  return take(&results_, &results_turn_, result, lane);
}

std::uint64_t Reader::lost() const {
  std::uint64_t lost = lost_before_;
  for (const BroadcastReader<>& ring : telemetry_) lost += ring.lost();
  return lost;
}

void Reader::commit() {
  if (slot_ == nullptr) return;
  // Relaxed: only this process reads them back, or one that starts after its death.
  const auto store = [](Word* word, Word value) {
    Hardware::store(word, value, std::memory_order_relaxed);
  };
  for (std::size_t lane = 0; lane < telemetry_.size(); ++lane) {
    store(&slot_->telemetry[lane], telemetry_[lane].cursor());
    store(&slot_->events[lane], events_[lane].cursor());
    store(&slot_->results[lane], results_[lane].cursor());
  }
  store(&slot_->frames, frames_);
  store(&slot_->lost, lost());
}

void Reader::release() {
  if (slot_ != nullptr) std::memset(slot_, 0, sizeof *slot_);
  slot_ = nullptr;
}

}  // namespace rise::shm
