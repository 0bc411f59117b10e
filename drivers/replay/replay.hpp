// Plays a recording through a real core: the same plan, drivers, limits and safety, on recorded
// time and with a Stage for the world. One lane, the one that was recorded, on the caller's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drivers/replay/recording.hpp"
#include "drivers/replay/stage.hpp"
#include "rt_core/core/core.hpp"
#include "rt_core/record/digest.hpp"

namespace rise::replay {

struct ReplayOptions {
  std::string region = "replay";  // name of the shared region, for `rise top`
  std::string directory = "/dev/shm";
  std::string config;          // instead of the recorded one; empty: that one
  std::string config_name;     // of the file, for messages
  plan::DriverSource drivers;  // never the recorded driver_path: a file must not name code to load
};

struct Summary {
  std::uint64_t cycles = 0;
  std::int64_t played_ns = 0;  // recorded time, from the first cycle to the last one played
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t frames = 0;
  std::uint64_t events = 0;
  std::uint64_t results = 0;
  std::uint64_t frame_digest = 0;
  std::uint64_t other_digest = 0;
  std::uint64_t compared = 0;     // cycles after which the digests were compared
  std::uint64_t digests_end = 0;  // cycle from which on the recording has none; 0: has all
  // Why it ended, a sentence; complete: the recorded lane ended there, too.
  std::string end;
  bool complete = false;
  bool damaged = false;  // the records made no sense
};

class Replay {
 public:
  // Makes the core; plays nothing yet. Fails if the config does not fit, or the region cannot be
  // made.
  static Result<std::unique_ptr<Replay>> make(Recording recording, const ReplayOptions& options);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // Plays the next cycle. False: it has ended, see summary().end.
  bool step();
  // What is known of the cycle that step() will play: when its lane woke. INT64_MAX: there is none.
  [[nodiscard]] std::int64_t next_ns() const { return has_next_ ? next_.now_ns : INT64_MAX; }
  [[nodiscard]] std::int64_t start_ns() const { return start_ns_; }

  [[nodiscard]] const record::Head& head() const { return recording_.head(); }
  [[nodiscard]] core::Core& core() { return *core_; }
  [[nodiscard]] Divergences& divergences() { return stage_->divergences(); }
  [[nodiscard]] const Summary& summary();
  // Drivers that are of another version than the recorded ones, as sentences.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  explicit Replay(Recording recording) : recording_(std::move(recording)) {}
  Result<Done> make_core(const ReplayOptions& options);
  void compare_drivers();
  void look_ahead();
  void offer_seats(const std::vector<std::uint16_t>& machines);
  void collect_seats();
  void compare(const Cycle& cycle);
  void compare_one(std::uint64_t cycle, const char* what, std::uint64_t count,
                   std::uint64_t recorded, bool same, bool* good);
  [[nodiscard]] driver::Instance* machine(std::uint16_t number);

  Recording recording_;
  std::unique_ptr<Stage> stage_;
  cycle::Clock clock_;
  std::unique_ptr<core::Core> core_;
  record::LaneDigest digest_;
  Told told_;  // the last that was recorded
  bool frames_good_ = true;
  bool others_good_ = true;
  Cycle next_;
  bool has_next_ = false;
  bool ended_ = false;
  std::int64_t start_ns_ = 0;
  std::int64_t now_ns_ = 0;
  std::vector<std::uint16_t> waiting_;  // machines for which a seat waits
  std::vector<std::string> warnings_;
  Summary summary_;
};

}  // namespace rise::replay
