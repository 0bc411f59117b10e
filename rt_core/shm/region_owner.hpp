// Making the shared region: the core's side. Set-up code: allocates, blocks, answers with
// sentences.
#pragma once

#include <string>
#include <vector>

#include "rt_core/result.hpp"
#include "rt_core/shm/region.hpp"

namespace rise::shm {

struct LanePlan {
  std::size_t telemetry_frames = 0;  // rounded up to a power of two, like the other capacities
  std::size_t events = 0;
  std::size_t results = 0;
  std::size_t commands = 0;
  std::size_t flight_records = 0;
  std::size_t late_records = 0;
  std::size_t flight_record_words = 0;
};

struct RegionPlan {
  std::string name;  // [a-z0-9-], 1..32 characters
  std::string directory = "/dev/shm";
  bool use_hugepages = true;  // for `out`, where a hugetlbfs mount has room for it
  std::vector<LanePlan> lanes;
  std::size_t machines = 0;
  std::size_t signals = 0;
  std::size_t outputs = 0;
  std::size_t texts = 0;
};

// The core's side. Holds a lock on the region for as long as it lives.
class OwnedRegion : public Region {
 public:
  // Fails if another core of that name runs. What a dead one left behind is removed first
  // (`cleaned_up`).
  static Result<OwnedRegion> create(const RegionPlan& plan);

  OwnedRegion() = default;
  OwnedRegion(OwnedRegion&&) = default;
  // What this one had before ends with `other`.
  OwnedRegion& operator=(OwnedRegion&& other) noexcept;
  ~OwnedRegion();

  void set_state(RegionState state);
  [[nodiscard]] std::uint32_t cleaned_up() const { return cleaned_up_pid_; }
  [[nodiscard]] bool hugepages() const { return hugepages_; }
  [[nodiscard]] const std::string& out_path() const { return out_path_; }

 private:
  std::string out_path_;
  std::string in_path_;
  std::uint32_t cleaned_up_pid_ = 0;
  bool hugepages_ = false;
};

}  // namespace rise::shm
