// A recorded lane of fake machines on simulated time, and a replay of it with the same driver.
#pragma once

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "drivers/replay/replay.hpp"
#include "tests/unit/support/lane_rig.hpp"

namespace rise::test {

class RecordRig {
 public:
  // more: further lines of the [[lane]].
  void make(int machines = 1, const std::string& more = "") {
    rig.make(machines, "record = \"" + path() + "\"\n" + more);
  }
  [[nodiscard]] std::string path() const { return rig.directory.path() + "/a.rec"; }
  record::Recorder& recorder() { return *rig.core->recorder(0); }
  void run(int cycles) {
    for (int i = 0; i < cycles; ++i) {
      rig.run(1);
      recorder().pump();
    }
  }
  // The lane's orderly end, and the recording's; the file as it is then.
  std::vector<std::uint8_t> finish() {
    rig.core->inputs().stop.store(true);
    bool on = true;
    for (int i = 0; i < 3000 && on; ++i) {
      on = rig.cycle();
      recorder().pump();
    }
    CHECK_FALSE(on);
    recorder().finish();
    return read(path());
  }
  static std::vector<std::uint8_t> read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  // Null: *why. The bytes outlive it.
  std::unique_ptr<replay::Replay> replay(const std::vector<std::uint8_t>& bytes,
                                         std::string* why = nullptr) {
    auto recording = replay::Recording::parse(bytes);
    if (!recording) {
      if (why != nullptr) *why = recording.error();
      return nullptr;
    }
    replay::ReplayOptions options;
    options.directory = rig.directory.path();
    options.drivers = rig.driver.source();
    auto made = replay::Replay::make(std::move(*recording), options);
    if (!made) {
      if (why != nullptr) *why = made.error();
      return nullptr;
    }
    return std::move(*made);
  }

  LaneRig rig;
};

}  // namespace rise::test
