#include "rt_core/kit/probe.hpp"

#include <linux/perf_event.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "rt_core/guard/in_cycle.hpp"
#include "rt_core/monotonic.hpp"
#include "rt_core/random.hpp"

namespace rise::kit {

ProbeMode probe_mode;

namespace {

constexpr std::size_t kLogLines = 20000;
std::vector<Probe*> living;

std::int64_t thread_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return to_ns(time);
}

long thread_waits() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

// Instructions of this thread in user mode; -1: the kernel does not let us.
std::int64_t instructions() {
  static const int fd = [] {
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.size = sizeof attributes;
    attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    return static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
  }();
  std::int64_t count = 0;
  return fd >= 0 && ::read(fd, &count, sizeof count) == sizeof count ? count : -1;
}

StepCost reading() { return {monotonic_ns(), thread_cpu_ns(), instructions(), thread_waits()}; }

// Copies a struct with the size that a host of that age would give it: cut, or with more behind it.
template <class Struct>
std::vector<unsigned char> aged(const Struct& value, std::size_t older_size) {
  std::vector<unsigned char> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  if (probe_mode.age == HostAge::Older) bytes.resize(older_size);
  if (probe_mode.age == HostAge::Newer) bytes.resize(sizeof value + 32, 0xa5);
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes;
}

// An array of structs, each longer than this header knows.
template <class Struct>
std::vector<unsigned char> aged_array(const Struct* elements, std::uint32_t count) {
  std::vector<unsigned char> bytes;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::vector<unsigned char> one = aged(elements[i], sizeof(Struct));
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  return bytes;
}

// The guard library asks the environment at each forbidden call what it is to do. Outside of the
// driver's calls it only counts: the simulated network allocates.
void guard_watches(bool on) {
  static char mode[] = "RISE_GUARD=count";
  static const bool in_place = ::putenv(mode) == 0;
  if (!in_place) return;
  if (probe_mode.guard_aborts) std::memcpy(mode + 11, on ? "abort" : "count", 5);
  if (on) {
    rise_guard_enter();
  } else {
    rise_guard_leave();
  }
}

void weigh(bool on) {
  static std::size_t before = 0;
  const std::size_t used = ::mallinfo2().uordblks;
  if (!on) probe_mode.heap_bytes += static_cast<std::int64_t>(used - before);
  before = used;
}

}  // namespace

bool Probe::watch(bool on) {
  static bool watching = false;
  if (watching == on) return on;
  watching = on;
  if (probe_mode.guard) guard_watches(on);
  if (probe_mode.weigh) weigh(on);
  return !on;
}

Probe::Probe(std::size_t slot, const rise_host& host, const rise_config& config)
    : slot_(slot), real_(host), machine_(config.machine), output_count_(config.output_count) {
  // By name, and not by place: so a machine has the same luck whatever others there are.
  random_ = probe_mode.seed;
  for (const char c : machine_) random_ = random_ * 131 + static_cast<unsigned char>(c);
  piece_random_ = probe_mode.piece_seed;
  living.push_back(this);
}

Probe::~Probe() { living.erase(std::find(living.begin(), living.end(), this)); }

Probe* Probe::find(const std::string& machine) {
  for (auto probe = living.rbegin(); probe != living.rend(); ++probe) {
    if ((*probe)->machine_ == machine) return *probe;
  }
  return nullptr;
}

// Both in memory that cannot be written: the host's table and its context belong to the host.
void Probe::make_host() {
  Probe* const self = this;
  rise_host table = host_table(real_);
  table.context = door_fence_.put(&self, sizeof(void*));
  door_fence_.close();
  if (probe_mode.age == HostAge::Older) table.abi_minor = 0;
  if (probe_mode.age == HostAge::Newer) table.abi_minor = RISE_ABI_MINOR + 1;
  const std::vector<unsigned char> bytes = aged(table, offsetof(rise_host, datagram_declare));
  host_ = static_cast<const rise_host*>(host_fence_.put(bytes.data(), bytes.size()));
  host_fence_.close();
}

const rise_config* Probe::make_config(const rise_config& config) {
  rise_config copy = config;
  copy.machine = machine_.c_str();
  const std::vector<unsigned char> settings = aged_array(config.settings, config.setting_count);
  copy.settings =
      static_cast<const rise_setting*>(settings_fence_.put(settings.data(), settings.size()));
  settings_fence_.close();
  const std::vector<unsigned char> outputs = aged_array(config.outputs, config.output_count);
  copy.outputs =
      static_cast<const rise_output_spec*>(outputs_fence_.put(outputs.data(), outputs.size()));
  outputs_fence_.close();
  if (copy.datagram_limit == 0) copy.datagram_limit = 2;
  const std::vector<unsigned char> bytes = aged(copy, offsetof(rise_config, datagram_limit));
  const auto* made = static_cast<const rise_config*>(config_fence_.put(bytes.data(), bytes.size()));
  config_fence_.close();
  return made;
}

void Probe::begin(Call which) {
  if (depth_++ != 0) return;
  sends_in_call = 0;
  probe_mode.scene->enter(which);
  if (probe_mode.measure && which != Call::Configure && which != Call::Destroy) {
    if (which == Call::Cycle || steps.empty()) steps.push_back({0, 0, 0, 0});
    mark_ = reading();
  }
  // In configure and destroy it may do as it likes; but what it takes is weighed.
  const bool lane = which != Call::Configure && which != Call::Destroy;
  if (probe_mode.guard && lane) guard_before_ = rise_guard_count();
  if (probe_mode.weigh || (probe_mode.guard && lane)) watch(true);
}

void Probe::end(Call which) {
  if (--depth_ != 0) return;
  const bool lane = which != Call::Configure && which != Call::Destroy;
  watch(false);
  if (probe_mode.guard && lane) {
    const unsigned long more = rise_guard_count() - guard_before_;
    if (more != 0 && forbidden == 0) forbidden_in = which;
    forbidden += more;
  }
  if (probe_mode.measure && lane) {
    const StepCost now = reading();
    StepCost& step = steps.back();
    step.wall_ns += now.wall_ns - mark_.wall_ns;
    step.cpu_ns += now.cpu_ns - mark_.cpu_ns;
    step.waits += now.waits - mark_.waits;
    step.instructions =
        now.instructions < 0 ? -1 : step.instructions + now.instructions - mark_.instructions;
  }
  sends_in_call_max = std::max(sends_in_call_max, sends_in_call);
  probe_mode.scene->leave();
}

void Probe::say(const char* format, ...) {
  if (!probe_mode.log) return;
  char line[512];
  const int at =
      std::snprintf(line, sizeof line, "%.3f s ", static_cast<double>(now_ns_ - start_ns_) * 1e-9);
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line + at, sizeof line - static_cast<std::size_t>(at), format, arguments);
  va_end(arguments);
  for (const char* c = line; *c != '\0'; ++c)
    log_hash = (log_hash ^ static_cast<unsigned char>(*c)) * 0x100000001b3;
  if (log.size() < kLogLines) log.emplace_back(line);
}

void Probe::wrong(const std::string& what) { ++misuse[what]; }

}  // namespace rise::kit
