// Catalogue and sweep of a config, without sessions: what is asked of which control.
#pragma once

#include <array>

#include "drivers/focas/catalogue.hpp"
#include "drivers/focas/sweep.hpp"
#include "tests/unit/focas_fake_host.hpp"

namespace rise::test {

// As the vectors have them: a 30i with 32 elements in "all axes" replies, a 16i with 8.
inline focas::ControlInfo new_control(std::uint16_t paths = 1, std::uint16_t axes = 4,
                                      std::uint16_t spindles = 1) {
  focas::ControlInfo info;
  info.version = 4;
  info.max_axes = 32;
  info.paths = paths;
  for (std::size_t i = 0; i < paths; ++i) {
    info.axes[i] = axes;
    info.servo_axes[i] = axes;
    info.spindles[i] = spindles;
  }
  return info;
}
inline focas::ControlInfo legacy_control(std::uint16_t paths = 1, std::uint16_t axes = 4,
                                         std::uint16_t spindles = 1) {
  focas::ControlInfo info = new_control(paths, axes, spindles);
  info.version = 2;
  info.max_axes = 8;
  return info;
}

inline focas::GroupSettings group_of(std::vector<std::string> items,
                                     std::int64_t period_ns = 10'000'000,
                                     const std::string& name = "fast") {
  return {name, period_ns, std::move(items)};
}

struct Plan {
  explicit Plan(std::vector<focas::GroupSettings> groups,
                std::vector<focas::PathSettings> paths = {{{"x", "y", "z"}, 1}}) {
    settings.groups = std::move(groups);
    settings.paths = std::move(paths);
    good = catalogue.configure(host.abi, settings);
    if (good) sweep.configure(catalogue, settings);
    host.configuring = false;
  }
  void meet(const focas::ControlInfo& info, const focas::FrameLimits& limits = {}) {
    sweep.meet(info, limits, 0, 0);
  }
  // The next frame; empty: nothing is pending.
  std::vector<focas::wire::RequestBlock> ask() {
    std::vector<focas::wire::RequestBlock> blocks;
    focas::wire::FrameWriter writer(memory, 1, focas::wire::FrameType::DataRequest);
    if (sweep.ask(&writer) == 0) return blocks;
    focas::wire::RequestReader reader(writer.finish().subspan(focas::wire::kHeaderBytes));
    focas::wire::RequestBlock block;
    while (reader.next(&block)) blocks.push_back(block);
    return blocks;
  }
  // Answers the frame under way. -> groups whose samples are complete now.
  std::vector<std::int32_t> answer() {
    std::vector<std::int32_t> complete;
    for (std::size_t i = 0; i < sweep.outstanding().size(); ++i) {
      if (const std::int32_t group = sweep.answered(i); group >= 0) complete.push_back(group);
    }
    sweep.frame_done();
    return complete;
  }
  // Everything that one sample of all groups asks, without what belongs to no group.
  std::vector<focas::wire::RequestBlock> ask_all() {
    std::vector<focas::wire::RequestBlock> all;
    sweep.due(0, false);
    for (auto blocks = ask(); !blocks.empty(); blocks = ask()) {
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (sweep.read(sweep.outstanding()[i]).group != focas::kNoGroup) all.push_back(blocks[i]);
      }
      answer();
    }
    return all;
  }

  FakeHost host;
  focas::Settings settings;
  focas::Catalogue catalogue;
  focas::Sweep sweep;
  bool good = false;
  std::array<std::uint8_t, 4096> memory{};
};

}  // namespace rise::test
