#include "rt_core/record/digest.hpp"

#include <bit>

#include "rise_generated.h"

namespace rise::record {

namespace {

// Each step is a bijection of the state for a given word, and of the word for a given state: two
// runs that differ in one word differ from there on.
void mix(std::uint64_t* digest, const shm::Word* words, std::size_t count) {
  std::uint64_t state = *digest;
  for (std::size_t i = 0; i < count; ++i) {
    state = std::rotl((state ^ words[i]) * 0x9e3779b97f4a7c15, 29) + 0x632be59bd9b4e019;
  }
  *digest = state;
}

template <class Message>
bool read_on(shm::BroadcastReader<>* reader, std::uint64_t count, std::uint64_t* digest) {
  shm::Word words[sizeof(Message) / sizeof(shm::Word)] = {};
  while (reader->cursor() < count) {
    if (!reader->next(words) || reader->lost() != 0) return false;
    mix(digest, words, sizeof(Message) / sizeof(shm::Word));
  }
  return true;
}

shm::BroadcastReader<> reader_of(const shm::Region& region, shm::SectionKind kind,
                                 std::uint32_t lane) {
  shm::RingShape shape;
  const shm::Word* memory = region.ring(kind, lane, &shape);
  return {memory, shape, 0};
}

}  // namespace

LaneDigest::LaneDigest(const shm::Region& region, std::uint32_t lane)
    : telemetry_(reader_of(region, shm::SectionKind::Telemetry, lane)),
      events_(reader_of(region, shm::SectionKind::Events, lane)),
      results_(reader_of(region, shm::SectionKind::Results, lane)) {}

bool LaneDigest::advance(std::uint64_t frames, std::uint64_t events, std::uint64_t results) {
  return read_on<message::TelemetryFrame>(&telemetry_, frames, &frame_digest_) &&
         read_on<message::MachineEvent>(&events_, events, &other_digest_) &&
         read_on<message::CommandResult>(&results_, results, &other_digest_);
}

}  // namespace rise::record
