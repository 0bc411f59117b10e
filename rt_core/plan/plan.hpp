// What the config asks for, checked as a whole. Making a plan starts nothing: `rise check` and the
// core itself do the same up to here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/schema/schema.hpp"
#include "rt_core/cycle/lane.hpp"
#include "rt_core/driver/instance.hpp"
#include "rt_core/driver/library.hpp"
#include "rt_core/guard/seal.hpp"
#include "rt_core/shm/region_owner.hpp"

namespace rise::plan {

// The DPDK device of a lane, with addresses that have been checked; io/dpdk/dpdk_entry.hpp says
// more.
struct DpdkChoice {
  struct Neighbour {
    std::string address;
    std::string mac;
  };
  std::string device;
  std::string address;
  std::string gateway;
  std::uint32_t vlan = 0;
  std::uint32_t buffers = 0;
  std::uint32_t receive_ring = 0;
  std::uint32_t transmit_ring = 0;
  std::vector<Neighbour> neighbours;
};

struct LaneChoice {
  std::string name;
  cycle::LaneSpec spec;
  int cpu = -1;
  int priority = 80;
  std::string io;
  bool dpdk_streams = false;    // through `dpdk`, else through the kernel
  bool dpdk_datagrams = false;  // likewise
  DpdkChoice dpdk;
  guard::SealMode seal = guard::SealMode::Trap;
  std::int64_t stuck_after_ns = 0;  // a driver call that takes so long is broken off; 0 = never
  std::int64_t stuck_after_stop_ns = 0;  // the same while a stop waits; 0 = stuck_after_ns

  [[nodiscard]] bool uses_dpdk() const { return dpdk_streams || dpdk_datagrams; }
  std::string record;  // file that all input of the lane is recorded in; empty: none
  std::int64_t record_max_bytes = 0;
};

// Finds a driver by its name in the config.
using DriverSource = std::function<Result<driver::Library>(const std::string& name)>;

struct Plan {
  std::string name;
  std::int64_t history_s = 10;
  std::uint64_t seed = 0;  // of all jitter; never 0 once planned
  bool lock_memory = true;
  bool hold_dma_latency = true;
  bool hugepages = true;
  std::uint32_t dpdk_memory_mib = 0;  // 0: DPDK's side decides
  std::uint32_t dpdk_hugepages = 0;   // RISE_DPDK_HUGEPAGES_*
  std::int64_t flight_cycles = 1024;
  std::string crash_folder;  // for the region of a core that died; empty: not kept
  std::string watchdog;      // device; empty: none
  int watchdog_s = 10;
  std::uint64_t watchdog_late_cycles = 0;
  std::vector<LaneChoice> lanes;
  // Configured, in the order of the config; the place is the machine's number.
  std::vector<std::unique_ptr<driver::Instance>> machines;

  // What the instances point into.
  std::vector<std::unique_ptr<config::Settings>> driver_settings;
  std::vector<std::pair<std::string, std::shared_ptr<const driver::Library>>> libraries;

  Plan() = default;
  Plan(Plan&&) = default;
  // In the order of the members' dependence: instances go before the libraries that they live in.
  Plan& operator=(Plan&&) = delete;
  ~Plan() { machines.clear(); }
};

// For a plan that is made to be replayed, perhaps on another machine.
struct Rehearsal {
  std::uint64_t seed = 0;  // instead of the config's
};

// All problems at once; the plan is usable only if there are none. With a rehearsal no lane is
// given a core, records, or cares whether this machine has what the config asks for.
Plan make_plan(const std::string& toml, const DriverSource& source,
               std::vector<config::Problem>* problems, const Rehearsal* rehearsal = nullptr);

// Drivers as <name>.so in `folder` (empty: ../lib/rise/drivers beside the running program). With
// keys: those that one of them has signed.
DriverSource drivers_in(const std::string& folder,
                        std::shared_ptr<const driver::TrustedKeys> keys = nullptr);

// Sizes of the shared region for this plan.
shm::RegionPlan region_plan(const Plan& plan);

}  // namespace rise::plan
