// Regions in a folder of their own, and what was published in them.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "rt_core/shm/outlet.hpp"
#include "rt_core/shm/reader.hpp"
#include "rt_core/shm/region_attach.hpp"
#include "rt_core/shm/region_owner.hpp"

namespace rise::test {

class TempDirectory {
 public:
  TempDirectory() {
    char path[] = "/tmp/rise-unit-XXXXXX";
    if (::mkdtemp(path) != nullptr) path_ = path;
    ::chmod(path, 0755);
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_),
                                                  std::filesystem::directory_iterator()));
  }

 private:
  std::string path_;
};

inline shm::RegionPlan small_plan(const std::string& directory, std::size_t lanes = 1) {
  shm::RegionPlan plan;
  plan.name = "unit";
  plan.directory = directory;
  plan.use_hugepages = false;
  plan.lanes.resize(lanes);
  for (shm::LanePlan& lane : plan.lanes) {
    lane = {.telemetry_frames = 16,
            .events = 2048,
            .results = 64,
            .commands = 8,
            .flight_records = 8,
            .late_records = 4,
            .flight_record_words = 8};
  }
  plan.machines = 2;
  plan.signals = 3;
  plan.outputs = 2;
  plan.texts = 2;
  plan.pages = 3;
  return plan;
}

// The error of a result, "" if it is a value.
template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "" : result.error();
}

// Fails with the sentence of the error.
#define CHECK_OK(result) STRCMP_EQUAL("", rise::test::error_of(result).c_str())

inline shm::OwnedRegion make_region(const shm::RegionPlan& plan) {
  auto made = shm::OwnedRegion::create(plan);
  return made ? std::move(*made) : shm::OwnedRegion();
}

inline message::TelemetryFrame frame(std::uint64_t sequence) {
  message::TelemetryFrame frame;
  frame.mutate_sequence(sequence);
  return frame;
}

// Everything that a reader still finds.
template <class Message>
std::vector<Message> drain(shm::Reader* reader) {
  std::vector<Message> all;
  Message message;
  while (all.size() < 1'000'000 && reader->next(&message)) all.push_back(message);
  return all;
}

// All that a ring of the region holds, oldest first, without any reader's margin.
template <class Message>
std::vector<Message> all_of(const shm::Region& region, shm::SectionKind kind,
                            std::uint32_t lane = 0) {
  std::vector<Message> all;
  shm::RingShape shape;
  const shm::Word* memory = region.ring(kind, lane, &shape);
  if (memory == nullptr) return all;
  shm::BroadcastReader<> ring(memory, shape, 0);
  const shm::Word head = ring.backlog();
  if (head > shape.capacity) ring.seek(head - shape.capacity);
  shm::Word words[sizeof(Message) / sizeof(shm::Word)];
  while (all.size() < shape.capacity && ring.next(words)) {
    Message message;
    std::memcpy(static_cast<void*>(&message), words, sizeof message);
    all.push_back(message);
  }
  return all;
}
inline std::vector<message::MachineEvent> all_events(const shm::Region& region,
                                                     std::uint32_t lane = 0) {
  return all_of<message::MachineEvent>(region, shm::SectionKind::Events, lane);
}
inline std::vector<message::CommandResult> all_results(const shm::Region& region,
                                                       std::uint32_t lane = 0) {
  return all_of<message::CommandResult>(region, shm::SectionKind::Results, lane);
}
inline std::vector<message::TelemetryFrame> all_frames(const shm::Region& region,
                                                       std::uint32_t lane = 0) {
  return all_of<message::TelemetryFrame>(region, shm::SectionKind::Telemetry, lane);
}

// A snapshot of the region. Stamp 0: never written.
template <class Message>
Message snapshot(const shm::Region& region, shm::SectionKind kind, std::size_t index,
                 shm::Word* stamp = nullptr) {
  Message message;
  std::size_t words = 0;
  shm::Word* cell = region.cell(kind, index, &words);
  if (cell == nullptr || words != sizeof(Message) / sizeof(shm::Word)) return message;
  shm::Word payload[sizeof(Message) / sizeof(shm::Word)];
  const shm::Word version = shm::StampedCell<shm::Hardware>::stamp(cell);
  if (stamp != nullptr) *stamp = version;
  if (shm::StampedCell<shm::Hardware>::copy(cell, version, payload, words)) {
    std::memcpy(static_cast<void*>(&message), payload, sizeof message);
  }
  return message;
}

}  // namespace rise::test
