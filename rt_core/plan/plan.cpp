#include "rt_core/plan/plan.hpp"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <ctime>
#include <map>
#include <set>

#include "config/schema/rise_toml.hpp"
#include "config/schema/suggest.hpp"
#include "rt_core/cycle/flight.hpp"
#include "rt_core/guard/realtime.hpp"
#include "rt_core/io/dpdk/dpdk_entry.hpp"
#include "rt_core/plan/cores.hpp"
#include "rt_core/plan/dpdk_choice.hpp"
#include "rt_core/plan/timing.hpp"
#include "rt_core/random.hpp"

namespace rise::plan {

namespace {

using config::Problem;
using config::Settings;

constexpr std::size_t kMaxMachines = 1024;
constexpr std::size_t kMaxOfAKind = UINT16_MAX;

// The same file, or one that the other moves out of its way: FILE, FILE.1, FILE.2, ...
bool record_in_one_file(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return false;
  const std::string& longer = a.size() > b.size() ? a : b;
  const std::string& shorter = a.size() > b.size() ? b : a;
  if (!longer.starts_with(shorter)) return false;
  const std::string rest = longer.substr(shorter.size());
  return rest.empty() || (rest.size() == 2 && rest[0] == '.' && rest[1] >= '1' && rest[1] <= '9');
}

// Reads the checked settings into a Plan, and checks what no table of single settings can.
class Planner {
 public:
  Planner(const config::Document& document, const Settings& settings, const DriverSource& source,
          std::vector<Problem>* problems, const Rehearsal* rehearsal)
      : document_(document),
        settings_(settings),
        source_(source),
        problems_(problems),
        rehearsal_(rehearsal) {}

  Plan plan;

  void core() {
    plan.name = settings_.string("core.name");
    if (const std::string fault = shm::name_fault(plan.name); !fault.empty()) {
      problem("core.name", fault);
    }
    plan.history_s = settings_.integer("core.history_s");
    plan.lock_memory = settings_.flag("core.lock_memory");
    plan.hold_dma_latency = settings_.flag("core.hold_dma_latency");
    plan.hugepages = settings_.flag("core.hugepages");
    plan.dpdk_memory_mib = static_cast<std::uint32_t>(settings_.integer("core.dpdk_memory_mib"));
    const std::string& pages = settings_.string("core.dpdk_hugepages");
    plan.dpdk_hugepages = pages == "required" ? RISE_DPDK_HUGEPAGES_REQUIRED
                          : pages == "never"  ? RISE_DPDK_HUGEPAGES_NEVER
                                              : RISE_DPDK_HUGEPAGES_AUTO;
    plan.flight_cycles = settings_.integer("core.flight_cycles");
    plan.crash_folder = settings_.string("core.crash_folder");
    plan.watchdog = settings_.string("core.watchdog");
    plan.watchdog_s = static_cast<int>(settings_.integer("core.watchdog_s"));
    plan.watchdog_late_cycles =
        static_cast<std::uint64_t>(settings_.integer("core.watchdog_late_cycles"));
    const std::int64_t grace_ms = settings_.integer("core.stop_grace_ms");
    if (!plan.watchdog.empty() && grace_ms >= plan.watchdog_s * 1000) {
      problem("core.watchdog_s", "is not longer than stop_grace_ms (" + std::to_string(grace_ms) +
                                     " ms): an orderly stop could be reset");
    }
    seed_ = rehearsal_ != nullptr ? rehearsal_->seed
                                  : static_cast<std::uint64_t>(settings_.integer("core.seed"));
    if (seed_ == 0) {
      timespec now{};
      ::clock_gettime(CLOCK_REALTIME, &now);
      seed_ = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
              static_cast<std::uint64_t>(now.tv_nsec);
    }
    plan.seed = seed_;
  }

  void lanes() {
    const std::size_t count = settings_.count("lane");
    if (count == 0) problem(0, "lane", "is missing; at least one [[lane]] is needed");
    if (count > shm::kMaxLanes) {
      problem(0, "lane",
              std::to_string(count) + " lanes; at most " + std::to_string(shm::kMaxLanes));
    }
    std::vector<int> wishes;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string at = "lane." + std::to_string(i) + ".";
      const bool known = rehearsal_ == nullptr && settings_.has(at + "name");
      wishes.push_back(known ? static_cast<int>(settings_.integer(at + "cpu")) : kNoCore);
    }
    const std::vector<CoreChoice> cores = choose_cores(wishes, guard::lane_cpus());
    std::set<std::string> names;
    for (std::size_t i = 0; i < count; ++i) lane(i, cores[i], &names);
  }

  void machines() {
    const std::size_t count = settings_.count("machine");
    if (count == 0) problem(0, "machine", "is missing; at least one [[machine]] is needed");
    if (count > kMaxMachines) {
      problem(0, "machine",
              std::to_string(count) + " machines; at most " + std::to_string(kMaxMachines));
    }
    std::set<std::string> names;
    for (std::size_t i = 0; i < count; ++i) machine(i, &names);
    check_sums();
    check_streams();
  }

 private:
  // Of faults at one place the first is the cause, the others its consequences.
  void problem(std::uint32_t line, const std::string& path, std::string message) {
    for (const Problem& known : *problems_) {
      if (known.path == path) return;
    }
    problems_->push_back({line, path, std::move(message)});
  }
  void problem(const std::string& path, std::string message) {
    std::uint32_t line = settings_.line(path);
    if (const config::Value* value = document_.find(path); value != nullptr) line = value->line;
    problem(line, path, std::move(message));
  }

  void lane(std::size_t index, const CoreChoice& core, std::set<std::string>* names) {
    const std::string at = "lane." + std::to_string(index) + ".";
    if (!settings_.has(at + "name")) return;
    LaneChoice lane;
    lane.name = settings_.string(at + "name");
    if (!names->insert(lane.name).second)
      problem(at + "name", "\"" + lane.name + "\" is used twice");
    lane.spec.index = static_cast<std::uint32_t>(index);
    lane.spec.period_ns = settings_.integer(at + "period_us") * 1000;
    const std::string& overrun = settings_.string(at + "overrun");
    lane.spec.overrun = overrun == "skip"       ? cycle::OverrunPolicy::Skip
                        : overrun == "catch_up" ? cycle::OverrunPolicy::CatchUp
                                                : cycle::OverrunPolicy::RePhase;
    lane.spec.exchange_first = settings_.string(at + "exchange") == "first";
    lane.spec.ladder.degrade_after =
        static_cast<std::uint32_t>(settings_.integer(at + "degrade_after"));
    lane.spec.ladder.trip_after = static_cast<std::uint32_t>(settings_.integer(at + "trip_after"));
    lane.spec.sidecar_timeout_ns = settings_.integer("safety.sidecar_timeout_ms") * 1'000'000;
    lane.spec.max_command_ttl_ns =
        static_cast<std::uint64_t>(settings_.integer("safety.max_command_ttl_ms")) * 1'000'000u;
    lane.spec.stop_grace_ns = settings_.integer("core.stop_grace_ms") * 1'000'000;
    if (!core.fault.empty()) problem(at + "cpu", core.fault);
    lane.cpu = core.cpu;
    lane.priority = static_cast<int>(settings_.integer(at + "priority"));
    lane.io = settings_.string(at + "io");
    lane.dpdk_streams = settings_.string(at + "streams") == "dpdk";
    lane.dpdk_datagrams = settings_.string(at + "datagrams") == "dpdk";
    if (lane.uses_dpdk()) dpdk(at, &lane);
    const std::string& seal = settings_.string(at + "seal");
    lane.seal = seal == "trap"  ? guard::SealMode::Trap
                : seal == "log" ? guard::SealMode::Log
                                : guard::SealMode::Off;
    lane.stuck_after_ns = settings_.integer(at + "stuck_after") * lane.spec.period_ns;
    lane.stuck_after_stop_ns = settings_.integer(at + "stuck_after_stop") * lane.spec.period_ns;
    if (rehearsal_ == nullptr) {
      lane.record = settings_.string(at + "record");
      for (const LaneChoice& other : plan.lanes) {
        if (!record_in_one_file(other.record, lane.record)) continue;
        problem(at + "record", "lane \"" + other.name + "\" records in this file already");
      }
      lane.record_max_bytes = settings_.integer(at + "record_max_mib") * 1024 * 1024;
    }
    plan.lanes.push_back(lane);
  }

  void dpdk(const std::string& at, LaneChoice* lane) {
    const auto tell = [this](const std::string& path, const std::string& message) {
      problem(path, message);
    };
    lane->dpdk = dpdk_choice(settings_, at + "dpdk.", tell);
    // What DPDK knows the device by: two lanes cannot have one.
    const auto name = [](const LaneChoice& one) {
      return one.dpdk.device.substr(0, one.dpdk.device.find(','));
    };
    for (const LaneChoice& other : plan.lanes) {
      if (lane->dpdk_streams && other.dpdk_streams) {
        problem(at + "streams", "lane \"" + other.name + "\" has TCP over DPDK, one lane can");
      }
      if (!other.uses_dpdk() || name(other).empty() || name(other) != name(*lane)) continue;
      problem(at + "dpdk.device", "lane \"" + other.name + "\" has " + name(*lane) + " already");
    }
  }

  void machine(std::size_t index, std::set<std::string>* names) {
    const std::string at = "machine." + std::to_string(index) + ".";
    if (!settings_.has(at + "name")) return;
    driver::InstanceSpec spec;
    spec.name = settings_.string(at + "name");
    if (!names->insert(spec.name).second)
      problem(at + "name", "\"" + spec.name + "\" is used twice");
    spec.machine = static_cast<std::uint16_t>(index);
    spec.seed = next_random(&seed_);
    spec.max_sample_age_ns = settings_.integer(at + "max_sample_age_ms") * 1'000'000;
    const std::string& loss = settings_.string(at + "on_sidecar_loss");
    spec.sidecar_loss = loss == "rollback" ? safety::SidecarLoss::Rollback
                        : loss == "trip"   ? safety::SidecarLoss::Trip
                                           : safety::SidecarLoss::Ignore;
    if (!assign_lane(at, &spec)) return;
    outputs(at, &spec);
    limits(at, &spec);

    const auto library = find_library(settings_.string(at + "driver"), at + "driver");
    if (library == nullptr) return;
    spec.driver = &library->driver();
    if (!library->path().empty()) spec.library = library;  // empty: linked into the program
    const std::string prefix = at + spec.driver->name;
    spec.settings = driver_settings(*spec.driver, prefix);
    auto instance = std::make_unique<driver::Instance>(std::move(spec));
    std::vector<driver::ConfigFault> faults;
    instance->configure(&faults);
    for (const driver::ConfigFault& fault : faults) {
      if (fault.path.starts_with("/")) {
        problem(at + fault.path.substr(1), fault.message);
      } else {
        problem(fault.path.empty() ? prefix : prefix + "." + fault.path, fault.message);
      }
    }
    check_limits(*instance, at);
    for (Problem& fault : timing_faults(
             {document_, settings_, *plan.driver_settings.back(), *instance, at, prefix})) {
      problem(fault.line, fault.path, std::move(fault.message));
    }
    plan.machines.push_back(std::move(instance));
  }

  bool assign_lane(const std::string& at, driver::InstanceSpec* spec) {
    const std::string& wanted = settings_.string(at + "lane");
    for (const LaneChoice& lane : plan.lanes) {
      if (!wanted.empty() && lane.name != wanted) continue;
      const std::string lane_at = "lane." + std::to_string(lane.spec.index) + ".";
      spec->lane = static_cast<std::uint16_t>(lane.spec.index);
      spec->cycle_period_ns = lane.spec.period_ns;
      spec->budget.budget_ns = settings_.integer(lane_at + "driver_budget_us") * 1000;
      spec->budget.bench_after =
          static_cast<std::uint32_t>(settings_.integer(lane_at + "bench_after"));
      spec->retry.first_ns = settings_.integer(lane_at + "retry_s") * 1'000'000'000;
      spec->retry.max_ns = std::max(spec->retry.first_ns,
                                    settings_.integer(lane_at + "retry_max_s") * 1'000'000'000);
      return true;
    }
    std::vector<std::string> names;
    for (const LaneChoice& lane : plan.lanes) names.push_back(lane.name);
    const std::string hint = config::nearest(wanted, names);
    problem(at + "lane", "there is no lane \"" + wanted + "\"" +
                             (hint.empty() ? "" : "; did you mean \"" + hint + "\"?"));
    return false;
  }

  void outputs(const std::string& at, driver::InstanceSpec* spec) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < settings_.count(at + "output"); ++i) {
      const std::string o = at + "output." + std::to_string(i) + ".";
      if (!settings_.has(o + "name")) continue;
      driver::OutputConfig output;
      output.name = settings_.string(o + "name");
      output.target = settings_.string(o + "target");
      output.limits.min = settings_.number(o + "min");
      output.limits.max = settings_.number(o + "max");
      output.limits.max_step = settings_.number(o + "max_step");
      if (!names.insert(output.name).second)
        problem(o + "name", "\"" + output.name + "\" is used twice");
      if (!(output.limits.min <= output.limits.max)) problem(o + "min", "is greater than max");
      spec->outputs.push_back(output);
    }
  }

  void limits(const std::string& at, driver::InstanceSpec* spec) {
    for (std::size_t i = 0; i < settings_.count(at + "limit"); ++i) {
      const std::string l = at + "limit." + std::to_string(i) + ".";
      if (!settings_.has(l + "signal")) continue;
      driver::LimitConfig limit;
      limit.signal = settings_.string(l + "signal");
      limit.line = settings_.line(l + "signal");
      limit.spec.min = settings_.number(l + "min");
      limit.spec.max = settings_.number(l + "max");
      limit.spec.hold_ns = settings_.integer(l + "for_ms") * 1'000'000;
      limit.spec.trips = settings_.string(l + "action") == "trip";
      if (!(limit.spec.min <= limit.spec.max)) problem(l + "min", "is greater than max");
      if (std::isinf(limit.spec.min) && std::isinf(limit.spec.max)) {
        problem(l + "signal", "has neither min nor max: the limit says nothing");
      }
      spec->limits.push_back(limit);
    }
  }

  void check_limits(const driver::Instance& instance, const std::string& at) {
    if (instance.signals().count() == 0) return;  // configure failed
    std::vector<std::string> names;
    for (std::size_t i = 0; i < instance.spec().limits.size(); ++i) {
      const driver::LimitConfig& limit = instance.spec().limits[i];
      if (instance.signals().find(limit.signal) >= 0) continue;
      if (names.empty()) names = instance.signals().names();
      const std::string hint = config::nearest(limit.signal, names);
      problem(limit.line, at + "limit." + std::to_string(i) + ".signal",
              "machine \"" + instance.spec().name + "\" has no signal \"" + limit.signal + "\"" +
                  (hint.empty() ? "" : "; did you mean \"" + hint + "\"?"));
    }
  }

  // The directory of the region counts these, over all machines, in 16 bits.
  void check_sums() {
    std::size_t texts = 0;
    std::size_t outputs = 0;
    for (const auto& machine : plan.machines) {
      texts += machine->signals().text_count();
      outputs += machine->spec().outputs.size();
      const std::string at = "machine." + std::to_string(machine->spec().machine) + ".name";
      const auto check = [&](const char* what, std::size_t sum) {
        if (sum <= kMaxOfAKind) return;
        problem(at, "up to this machine there are " + std::to_string(sum) + " " + what +
                        "; at most " + std::to_string(kMaxOfAKind) + " in one core");
      };
      check("text signals", texts);
      check("outputs", outputs);
      if (texts > kMaxOfAKind || outputs > kMaxOfAKind) return;
    }
  }

  void check_streams() {
    for (const LaneChoice& lane : plan.lanes) {
      if (!lane.dpdk_streams) continue;
      const auto machines = static_cast<std::uint32_t>(std::count_if(
          plan.machines.begin(), plan.machines.end(),
          [&](const auto& machine) { return machine->spec().lane == lane.spec.index; }));
      if (machines * driver::Instance::kMaxStreams <= RISE_DPDK_STREAMS) continue;
      problem("lane." + std::to_string(lane.spec.index) + ".streams",
              std::to_string(machines) + " machines; over DPDK at most " +
                  std::to_string(RISE_DPDK_STREAMS / driver::Instance::kMaxStreams));
    }
  }

  std::shared_ptr<const driver::Library> find_library(const std::string& name,
                                                      const std::string& path) {
    for (const auto& [known, library] : plan.libraries) {
      if (known == name) return library;
    }
    if (failed_drivers_.contains(name)) return nullptr;  // said once
    Result<driver::Library> loaded = source_(name);
    if (!loaded) {
      failed_drivers_.insert(name);
      problem(path, loaded.error());
      return nullptr;
    }
    plan.libraries.emplace_back(name, std::make_shared<const driver::Library>(std::move(*loaded)));
    return plan.libraries.back().second;
  }

  std::vector<rise_setting> driver_settings(const rise_driver& driver, const std::string& prefix) {
    std::vector<rise_setting_spec> specs;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(driver.settings);
    for (std::uint32_t i = 0; i < driver.setting_count; ++i) {
      specs.push_back(*reinterpret_cast<const rise_setting_spec*>(
          bytes + std::size_t{i} * driver.settings->struct_size));
    }
    std::vector<Problem> found;
    plan.driver_settings.push_back(std::make_unique<Settings>(
        config::check(config::subtree(document_, prefix), specs, {}, &found)));
    for (Problem& fault : found) {
      if (fault.line == 0) {
        if (const config::Value* table = document_.find(prefix)) fault.line = table->line;
      }
      problem(fault.line, prefix + "." + fault.path, std::move(fault.message));
    }
    return config::to_abi(*plan.driver_settings.back());
  }

  const config::Document& document_;
  const Settings& settings_;
  const DriverSource& source_;
  std::vector<Problem>* problems_;
  const Rehearsal* rehearsal_;
  std::set<std::string> failed_drivers_;
  std::uint64_t seed_ = 1;
};

}  // namespace

Plan make_plan(const std::string& toml, const DriverSource& source, std::vector<Problem>* problems,
               const Rehearsal* rehearsal) {
  const config::Document document = config::parse(toml, problems);
  if (!problems->empty()) return {};
  const Settings settings =
      config::check(document, config::rise_toml(), config::foreign_tables(document), problems);
  Planner planner(document, settings, source, problems, rehearsal);
  planner.core();
  planner.lanes();
  planner.machines();
  std::stable_sort(problems->begin(), problems->end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
  return std::move(planner.plan);
}

DriverSource drivers_in(const std::string& folder,
                        std::shared_ptr<const driver::TrustedKeys> keys) {
  std::string base = folder;
  if (base.empty()) {
    char path[PATH_MAX] = {};
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
    base = std::string(path, length > 0 ? static_cast<std::size_t>(length) : 0);
    base = base.substr(0, base.rfind('/')) + "/../lib/rise/drivers";
  }
  return [base, keys = std::move(keys)](const std::string& name) -> Result<driver::Library> {
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (!plain) return Failure{"driver name \"" + name + "\": use a-z, 0-9, '-' and '_'"};
    return driver::Library::load(base + "/" + name + ".so", keys);
  };
}

}  // namespace rise::plan
