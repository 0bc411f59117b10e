// Making the shared region: the core's side. Set-up code: allocates, blocks, answers with
// sentences.
#pragma once

#include <string>
#include <vector>

#include "rt_core/result.hpp"
#include "rt_core/shm/name_lock.hpp"
#include "rt_core/shm/predecessor.hpp"
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
  std::size_t pages = 0;     // of telemetry, all machines together
  std::string crash_folder;  // where the region of a core that died is kept; empty: nowhere
};

class Layout;
struct HugeMount;

// The core's side. Holds a lock on the name for as long as it lives.
class OwnedRegion : public Region {
 public:
  // Fails if another core of that name runs, or if there is no memory for all of it. What a dead
  // core left behind is looked at (`predecessor`), then removed (`cleaned_up`); its stop word goes
  // on to stand in the new region.
  static Result<OwnedRegion> create(const RegionPlan& plan);

  OwnedRegion() = default;
  OwnedRegion(OwnedRegion&&) = default;
  // What this one had before ends with `other`.
  OwnedRegion& operator=(OwnedRegion&& other) noexcept;
  ~OwnedRegion();

  void set_state(RegionState state);
  // What the core before this one has left: for the safety state to start from.
  [[nodiscard]] const Predecessor& predecessor() const { return predecessor_; }
  // A replay starts from what the recorded core found. Before the first lane is made.
  void assume(const Predecessor& predecessor) { predecessor_ = predecessor; }
  // Where a crash of this core is noted. Lives as long as the region.
  [[nodiscard]] Death* death() const { return &out_.header()->death; }
  // The pid of that core, 0 = nothing was there.
  [[nodiscard]] std::uint32_t cleaned_up() const { return cleaned_up_pid_; }
  [[nodiscard]] bool hugepages() const { return hugepages_; }
  // Why huge pages that this machine has were not used; empty: they were, or there are none.
  [[nodiscard]] const std::string& hugepages_refused() const { return hugepages_refused_; }
  [[nodiscard]] const std::string& out_path() const { return out_path_; }
  // False: somebody has cut or grown the `in` file, or punched a hole into it. One fstat: for
  // housekeeping, not for a cycle. See README.md for what this cannot prevent.
  [[nodiscard]] bool input_intact() const;

 private:
  Result<Done> make_out(const RegionPlan& plan, const Layout& layout,
                        const std::vector<HugeMount>& mounts);
  Result<Done> make_in(const RegionPlan& plan, const std::string& path);

  NameLock lock_;  // goes last: see ~OwnedRegion
  std::string out_path_;
  std::string in_path_;
  Predecessor predecessor_;
  std::uint32_t cleaned_up_pid_ = 0;
  std::int64_t in_blocks_ = 0;
  bool hugepages_ = false;
  std::string hugepages_refused_;
};

}  // namespace rise::shm
