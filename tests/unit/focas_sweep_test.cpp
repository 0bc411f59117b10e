// Properties of the sweep planner, for generated items, axes, spindles and limits.
#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/unit/focas_plan.hpp"
#include "tests/unit/support/rounds.hpp"

using namespace rise::focas;
using rise::test::group_of;
using rise::test::Plan;
using rise::test::rounds;

namespace {

constexpr std::size_t kOverhead = 12;  // header and count

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  // 0 .. n - 1
  std::size_t below(std::size_t n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 33) % n;
  }
  std::uint16_t between(std::size_t low, std::size_t high) {
    return static_cast<std::uint16_t>(low + below(high - low + 1));
  }

 private:
  std::uint64_t state_;
};

const std::vector<std::string> kPool = {"status",
                                        "alarms",
                                        "feed",
                                        "position.absolute",
                                        "position.machine",
                                        "position.relative",
                                        "position.distance",
                                        "spindle.speed",
                                        "spindle.load",
                                        "servo.load",
                                        "servo.temperature",
                                        "spindle.temperature",
                                        "program.number",
                                        "program.name",
                                        "program.text",
                                        "program.path",
                                        "program.sequence",
                                        "override.feed",
                                        "timer.cycle",
                                        "modal.g0",
                                        "modal.f",
                                        "macro.100",
                                        "macro.500-510",
                                        "macro.600-699",
                                        "macro.700-827",
                                        "offset.1",
                                        "offset.2-4",
                                        "parts.count",
                                        "parameter.1320.*",
                                        "parameter.6711",
                                        "diagnosis.301.*",
                                        "pmc.r100-355",
                                        "pmc.g8.5",
                                        "pmc.d100:word"};

std::vector<std::string> some_items(Random* random, std::size_t count) {
  std::vector<std::string> items = kPool;
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::swap(items[i], items[i + random->below(items.size() - i)]);
  }
  items.resize(std::min(count, items.size()));
  return items;
}

PathSettings some_path(Random* random) {
  PathSettings path;
  for (std::size_t i = random->between(1, 6); i > 0; --i)
    path.axes.push_back("a" + std::to_string(i));
  path.spindles = random->between(0, 4);
  return path;
}

ControlInfo some_control(Random* random) {
  ControlInfo info =
      random->below(2) == 0 ? rise::test::new_control() : rise::test::legacy_control();
  info.paths = random->between(1, 2);
  for (std::size_t i = 0; i < 2; ++i) {
    info.axes[i] = random->between(0, 8);
    info.spindles[i] = random->between(0, 4);
  }
  return info;
}

FrameLimits some_limits(Random* random) {
  return {random->between(1, 24), random->between(256, 4960)};
}

std::size_t reply_bytes(Plan* plan) {
  std::size_t bytes = kOverhead;
  for (const std::uint16_t i : plan->sweep.outstanding()) {
    bytes += wire::kReplyBlockBytes + plan->sweep.read(i).reply_bytes;
  }
  return bytes;
}

// The least number of frames into which the sizes can be put.
std::size_t fewest_frames(const std::vector<std::size_t>& sizes, const FrameLimits& limits) {
  const std::size_t all = (std::size_t{1} << sizes.size()) - 1;
  std::vector<std::size_t> fewest(all + 1, SIZE_MAX);
  std::vector<bool> fits(all + 1);
  for (std::size_t set = 1; set <= all; ++set) {
    std::size_t bytes = kOverhead;
    std::size_t blocks = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if ((set >> i & 1) == 0) continue;
      bytes += wire::kReplyBlockBytes + sizes[i];
      ++blocks;
    }
    fits[set] = blocks == 1 || (blocks <= limits.blocks && bytes <= limits.reply_bytes);
  }
  fewest[0] = 0;
  for (std::size_t set = 1; set <= all; ++set) {
    for (std::size_t part = set; part != 0; part = (part - 1) & set) {
      if (fits[part] && fewest[set ^ part] != SIZE_MAX) {
        fewest[set] = std::min(fewest[set], fewest[set ^ part] + 1);
      }
    }
  }
  return fewest[all];
}

}  // namespace

TEST_GROUP(FocasSweep){};

TEST(FocasSweep, NoFrameExceedsTheLimitsAndEveryReadIsAskedOnce) {
  for (int seed = 1; seed <= rounds(3000); ++seed) {
    Random random(static_cast<std::uint64_t>(seed));
    const std::vector<std::string> items = some_items(&random, random.between(1, 30));
    const std::size_t cut = random.below(items.size() + 1);
    std::vector<GroupSettings> groups = {
        group_of({items.begin(), items.begin() + static_cast<std::ptrdiff_t>(cut)}),
        group_of({items.begin() + static_cast<std::ptrdiff_t>(cut), items.end()})};
    Plan plan(groups, {some_path(&random), some_path(&random)});
    CHECK(plan.good);
    const FrameLimits limits = some_limits(&random);
    plan.meet(some_control(&random), limits);
    const std::size_t capacity_before = plan.sweep.reads().capacity();
    for (int sample = 0; sample < 3; ++sample) {
      const std::int64_t now_ns = sample * 10'000'000;
      LONGS_EQUAL(0, plan.sweep.due(now_ns, false));
      std::multiset<std::uint16_t> asked;
      std::map<std::int32_t, int> complete;
      while (plan.sweep.has_pending()) {
        const auto blocks = plan.ask();
        CHECK(!blocks.empty());
        CHECK(blocks.size() <= limits.blocks);
        CHECK(blocks.size() == 1 || reply_bytes(&plan) <= limits.reply_bytes);
        for (const std::uint16_t i : plan.sweep.outstanding()) asked.insert(i);
        for (const std::int32_t group : plan.answer()) ++complete[group];
      }
      CHECK(plan.ask().empty());
      for (std::uint16_t i = 0; i < plan.sweep.reads().size(); ++i) {
        const Read& read = plan.sweep.reads()[i];
        const bool due = read.available && (read.group != kNoGroup);
        if (due || asked.count(i) != 0) LONGS_EQUAL(1, asked.count(i));
        if (read.group == kNoGroup && sample > 0) LONGS_EQUAL(0, asked.count(i));
      }
      for (std::int32_t g = 0; g < 2; ++g) {
        const auto& reads = plan.sweep.reads();
        const bool any = std::any_of(reads.begin(), reads.end(), [&](const Read& read) {
          return read.available && read.group == g;
        });
        LONGS_EQUAL(any ? 1 : 0, complete[g]);
      }
    }
    // All memory was taken at set-up.
    LONGS_EQUAL(capacity_before, plan.sweep.reads().capacity());
    CHECK(plan.sweep.reads().size() <= plan.catalogue.max_reads() + 3 * kMaxPaths);
  }
}

// Every signal of the config is filled by just one read; of position items by one per axis, or by
// one for all.
TEST(FocasSweep, EverySignalBelongsToOneRead) {
  for (int seed = 1; seed <= rounds(2000); ++seed) {
    Random random(static_cast<std::uint64_t>(seed));
    Plan plan({group_of(some_items(&random, random.between(1, 30)))}, {some_path(&random)});
    ControlInfo info = some_control(&random);
    info.paths = 1;
    plan.meet(info, some_limits(&random));
    std::vector<int> readers(plan.host.signals.size());
    for (const Read& read : plan.sweep.reads()) {
      for (int i = 0; i < read.count; ++i) ++readers[static_cast<std::size_t>(read.signal + i)];
    }
    for (std::size_t i = 0; i < readers.size(); ++i) {
      // What lies beyond the axes of the control may be left out when positions are split.
      CHECK(readers[i] <= 1);
      if (!plan.host.signals[i].name.starts_with("axis.")) LONGS_EQUAL(1, readers[i]);
    }
  }
}

TEST(FocasSweep, AsFewFramesAsPossible) {
  int cases = 0;
  int best = 0;
  for (int seed = 1; seed <= rounds(1500); ++seed) {
    Random random(static_cast<std::uint64_t>(seed));
    Plan plan({group_of(some_items(&random, random.between(1, 8)))}, {some_path(&random)});
    ControlInfo info = some_control(&random);
    info.paths = 1;
    const FrameLimits limits = {random.between(1, 10), random.between(256, 1460)};
    plan.meet(info, limits);
    // Position items: in every choice of long and short blocks.
    std::vector<std::size_t> fixed;
    std::vector<Read> positions;
    for (const Item& item : plan.catalogue.items()) {
      if (item.positions) positions.push_back(item.read);
    }
    for (const Read& read : plan.sweep.reads()) {
      if (read.group == 0 && read.block.command != 0x26) fixed.push_back(read.reply_bytes);
    }
    std::size_t fewest = SIZE_MAX;
    bool small = true;
    for (std::size_t split = 0; split <= positions.size(); ++split) {
      std::vector<std::size_t> sizes = fixed;
      for (std::size_t i = 0; i < positions.size(); ++i) {
        if (i < split) {
          sizes.insert(sizes.end(), std::min(positions[i].count, info.axes[0]), 8);
        } else {
          sizes.push_back(8u * info.max_axes);
        }
      }
      small = small && sizes.size() <= 11;
      if (small) fewest = std::min(fewest, fewest_frames(sizes, limits));
    }
    if (!small) continue;
    ++cases;
    const std::size_t frames = plan.sweep.frames_of_group(0);
    CHECK(frames >= fewest);
    CHECK(frames <= fewest + 1);
    if (frames == fewest) ++best;
    if (fewest == 1) LONGS_EQUAL(1, frames);
  }
  CHECK(cases > rounds(500));
  CHECK(best * 100 >= cases * 99);
}

TEST(FocasSweep, TwentyItemsInOneFrameIfTheLimitsAllowIt) {
  const std::vector<std::string> items = {"status",
                                          "alarms",
                                          "position.absolute",
                                          "position.machine",
                                          "position.relative",
                                          "position.distance",
                                          "feed",
                                          "spindle.speed",
                                          "spindle.load",
                                          "servo.load",
                                          "program.number",
                                          "program.sequence",
                                          "program.block",
                                          "program.name",
                                          "override.feed",
                                          "override.rapid",
                                          "override.spindle",
                                          "modal.g0",
                                          "modal.f",
                                          "modal.s",
                                          "modal.t",
                                          "parts.count"};
  CHECK(items.size() >= 20);
  for (const bool legacy : {false, true}) {
    const ControlInfo info = legacy ? rise::test::legacy_control() : rise::test::new_control();
    Plan plan({group_of(items)}, {{{"x", "y", "z", "a"}, 1}});
    plan.meet(info, {64, 3480});
    LONGS_EQUAL(1, plan.sweep.frames_of_group(0));
    plan.meet(info, {});
    CHECK(plan.sweep.frames_of_group(0) >= 2 && plan.sweep.frames_of_group(0) <= 3);
  }
}

// What was found for a control holds for the next connection to it, and for no other control.
TEST(FocasSweep, TheKeptPlanIsTheOneThatWouldBeFound) {
  for (int seed = 1; seed <= rounds(300); ++seed) {
    Random random(static_cast<std::uint64_t>(seed));
    const std::vector<std::string> items = some_items(&random, random.between(1, 30));
    const std::vector<PathSettings> paths = {some_path(&random), some_path(&random)};
    Plan kept({group_of(items)}, paths);
    const ControlInfo infos[] = {some_control(&random), some_control(&random)};
    const FrameLimits limits[] = {some_limits(&random), some_limits(&random)};
    for (const int which : {0, 0, 1, 0, 1, 1}) {
      Plan fresh({group_of(items)}, paths);
      const std::size_t at = random.below(2);
      kept.meet(infos[which], limits[at]);
      fresh.meet(infos[which], limits[at]);
      LONGS_EQUAL(fresh.sweep.frames_of_group(0), kept.sweep.frames_of_group(0));
      LONGS_EQUAL(fresh.sweep.reads().size(), kept.sweep.reads().size());
      for (std::size_t i = 0; i < fresh.sweep.reads().size(); ++i) {
        const Read& a = fresh.sweep.reads()[i];
        const Read& b = kept.sweep.reads()[i];
        CHECK(a.signal == b.signal && a.count == b.count && a.reply_bytes == b.reply_bytes);
      }
    }
  }
}

// The frames that meet() has found are the frames that are asked.
TEST(FocasSweep, FramesOfOneGroupAreAsPlanned) {
  for (int seed = 1; seed <= rounds(1000); ++seed) {
    Random random(static_cast<std::uint64_t>(seed));
    Plan plan({group_of(some_items(&random, random.between(1, 30)))}, {some_path(&random)});
    plan.meet(some_control(&random), some_limits(&random));
    while (!plan.ask().empty()) plan.answer();  // the services
    plan.sweep.due(0, false);
    std::size_t frames = 0;
    for (; !plan.ask().empty(); ++frames) plan.answer();
    LONGS_EQUAL(plan.sweep.frames_of_group(0), frames);
  }
}
