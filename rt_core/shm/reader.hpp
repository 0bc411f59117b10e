// A reader of everything that a core publishes: telemetry, events, command results of all lanes.
// With a name its position is kept in the region and outlives the process: the next one of that
// name goes on where the last commit was (so after a crash some messages may come a second time,
// and none is missed that the rings still hold). Without a name it keeps its position to itself.
//
// One thread. Not for the lane.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rise_generated.h"
#include "rt_core/result.hpp"
#include "rt_core/shm/region.hpp"

namespace rise::shm {

enum class Start {
  Newest,  // only what comes from now on
  Oldest   // also what the rings still hold
};

class Reader {
 public:
  // The region outlives the reader. A name needs a region attached for writing; fails if a living
  // process has that name, or if all places are taken. `start` counts for a name that is new.
  static Result<Reader> open(const Region& region, const std::string& name, Start start);

  Reader(Reader&&) = default;
  Reader& operator=(Reader&&) = default;
  ~Reader() = default;

  // The next message of any lane, lanes in turn; *lane may be null. False: nothing new.
  bool next(message::TelemetryFrame* frame, std::uint32_t* lane = nullptr);
  bool next(message::MachineEvent* event, std::uint32_t* lane = nullptr);
  bool next(message::CommandResult* result, std::uint32_t* lane = nullptr);
  // What was read so far is done with.
  void commit();
  // Gives the place up: a later reader of this name starts anew.
  void release();

  [[nodiscard]] std::uint64_t frames() const { return frames_; }
  // Telemetry frames that were overwritten before they were read.
  [[nodiscard]] std::uint64_t lost() const;
  [[nodiscard]] bool resumed() const { return resumed_; }

 private:
  Reader() = default;
  template <class Message>
  bool take(std::vector<BroadcastReader<>>* readers, std::uint32_t* turn, Message* message,
            std::uint32_t* lane);

  std::vector<BroadcastReader<>> telemetry_;
  std::vector<BroadcastReader<>> events_;
  std::vector<BroadcastReader<>> results_;
  std::uint32_t telemetry_turn_ = 0;
  std::uint32_t events_turn_ = 0;
  std::uint32_t results_turn_ = 0;
  ReaderSlot* slot_ = nullptr;
  std::uint64_t frames_ = 0;
  std::uint64_t lost_before_ = 0;
  bool resumed_ = false;
};

}  // namespace rise::shm
