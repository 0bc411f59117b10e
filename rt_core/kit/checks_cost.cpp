#include <dirent.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "rt_core/guard/driver_call.hpp"
#include "rt_core/guard/in_cycle.hpp"
#include "rt_core/guard/seal.hpp"
#include "rt_core/kit/checks.hpp"
#include "rt_core/kit/rig.hpp"

namespace rise::kit {

namespace {

// All that a driver may meet on an ordinary day and on a bad one.
constexpr Manner kDays[] = {Manner::Device, Manner::Words, Manner::Noise, Manner::Silent,
                            Manner::Absent};

// commands: only where the driver has them.
bool live_through(Rig& rig, std::int64_t ms) {
  const bool commands = rig.core().machine(0).spec().driver->command != nullptr &&
                        !rig.core().machine(0).spec().outputs.empty();
  for (std::int64_t t = 0; t < ms; t += 100) {
    if (!rig.run_ms(100)) return false;
    if (t % 500 == 0) rig.speak();
    if (commands) {
      const double value = rig.core().machine(0).spec().outputs[0].limits.min;
      rig.probe().command(0, value, 0, rig.now_ns());
    }
  }
  if (commands) rig.probe().cancel(rig.now_ns());
  if (commands) rig.probe().safe(rig.now_ns());
  return rig.run_ms(100);
}

std::int64_t percentile(std::vector<std::int64_t> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

std::size_t entries(const char* folder) {
  DIR* directory = ::opendir(folder);
  if (directory == nullptr) return 0;
  std::size_t count = 0;
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

std::int64_t resident_kib() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  long total = 0;
  long resident = 0;
  if (file != nullptr && std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

}  // namespace

void check_time(Trial& trial) {
  probe_mode.measure = true;
  probe_mode.log = false;
  std::vector<std::int64_t> cpu;
  std::vector<std::int64_t> wall;
  std::int64_t instructions = 0;
  bool counted = true;
  long waits = 0;
  for (const Manner manner : {Manner::Device, Manner::Words, Manner::Absent}) {
    trial.doing(name_of(manner));
    Rig rig(trial, RigMachine{.name = "a", .peer = {.manner = manner}});
    if (!rig.ok()) return;
    rig.probe().steps.reserve(4000);
    rig.begin();
    if (!live_through(rig, 2000)) return;
    const std::vector<StepCost>& steps = rig.probe().steps;
    for (std::size_t i = 100; i < steps.size(); ++i) {  // the first ones meet cold memory
      cpu.push_back(steps[i].cpu_ns);
      wall.push_back(steps[i].wall_ns);
      waits += steps[i].waits;
      counted = counted && steps[i].instructions >= 0;
      instructions = std::max(instructions, steps[i].instructions);
    }
    rig.stop();
  }
  if (cpu.empty()) return;
  const std::int64_t p99 = percentile(cpu, 0.99);
  trial.note(
      text("CPU time of a step: p50 %.1f, p99 %.1f, max %.1f us (with some 1 us of "
           "measuring); wall p99 %.1f us; budget %.0f us",
           static_cast<double>(percentile(cpu, 0.5)) / 1000, static_cast<double>(p99) / 1000,
           static_cast<double>(percentile(cpu, 1)) / 1000,
           static_cast<double>(percentile(wall, 0.99)) / 1000,
           static_cast<double>(trial.subject.budget_ns) / 1000));
  trial.note(counted
                 ? text("at most %lld instructions in a step", static_cast<long long>(instructions))
                 : "instructions: not counted, perf_event_open is not permitted here");
  if (p99 > trial.subject.budget_ns) {
    trial.find(
        text("one step in a hundred takes %.0f us of CPU time or more, the budget is %.0f us",
             static_cast<double>(p99) / 1000, static_cast<double>(trial.subject.budget_ns) / 1000));
  }
  if (waits > static_cast<long>(cpu.size() / 1000)) {
    trial.find(text(
        "it waits: %ld times the thread slept inside a call (sleep, lock, blocking call)", waits));
  }
}

void check_allocations(Trial& trial) {
  if (rise_guard_count == nullptr)
    return trial.skip("the guard library librise_guard.so is not there");
  probe_mode.guard = true;
  for (const Manner manner : kDays) {
    trial.doing(name_of(manner));
    unsigned long forbidden = 0;
    {
      Rig rig(trial, RigMachine{.name = "a", .peer = {.manner = manner}});
      if (!rig.ok()) return;
      rig.begin();
      if (!live_through(rig, 2000)) return;
      forbidden = rig.probe().forbidden;
      if (forbidden != 0) {
        trial.find(text("%lu forbidden calls on the lane, the first in %s(), with %s", forbidden,
                        name_of(rig.probe().forbidden_in), name_of(manner)));
      }
      rig.stop();
    }
    if (forbidden == 0) continue;
    // Once more: now the first one ends this process, and the guard says which it was.
    trial.end();
    probe_mode.guard_aborts = true;
    Rig rig(trial, RigMachine{.name = "a", .peer = {.manner = manner}});
    rig.begin();
    live_through(rig, 2000);
    return;
  }
}

void check_system_calls(Trial& trial) {
  // Under the seal nothing can be mapped any more: take what the kit itself needs before, and never
  // give it back.
  constexpr std::size_t kHeap = std::size_t{192} << 20;
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, static_cast<int>(kHeap) * 2);
  void* heap = std::malloc(kHeap);
  static void* volatile keep = heap;  // so that the pair is not optimised away
  std::free(keep);
  static guard::CallMonitor monitor;
  guard::install_fault_handlers();
  if (!guard::prepare_calls(&monitor)) return trial.skip("no memory for a signal stack");
  std::vector<std::unique_ptr<Rig>> rigs;
  for (const Manner manner : kDays) {
    rigs.push_back(std::make_unique<Rig>(
        trial, RigMachine{.name = text("m-%zu", rigs.size()), .peer = {.manner = manner}}));
    if (!rigs.back()->ok()) return;
  }
  const std::string why = guard::seal_thread({guard::SealMode::Trap, false});
  if (!why.empty()) return trial.skip(why);
  probe_mode.seal = true;
  for (auto& rig : rigs) {
    trial.doing(name_of(rig->peer().spec.manner));
    rig->begin();
    if (!live_through(*rig, 2000)) break;
    rig->stop();
  }
  trial.end();
  ::_exit(0);  // the seal holds: files cannot be removed any more
}

void check_leaks(Trial& trial) {
  // The process is a new one without the allocator's caches, which would blur whose memory it is.
  ::mallopt(M_MXFAST, 0);
  probe_mode.log = false;
  probe_mode.weigh = true;
  const auto round = [&] {
    Rig rig(trial, RigMachine{.name = "a", .peer = {.manner = Manner::Device}});
    if (!rig.ok()) return false;
    rig.begin();
    rig.run_ms(20);
    rig.stop();
    return trial.clean();
  };
  constexpr int kRounds = 100;
  for (int i = 0; i < 10; ++i) {
    if (!round()) return;
  }
  const std::size_t files = entries("/proc/self/fd");
  const std::size_t threads = entries("/proc/self/task");
  const std::int64_t resident = resident_kib();
  const std::int64_t before = probe_mode.heap_bytes;
  for (int i = 0; i < kRounds; ++i) {
    trial.doing(text("round %d", i));
    if (!round()) return;
  }
  const std::int64_t grown = probe_mode.heap_bytes - before;
  const std::int64_t resident_grown = resident_kib() - resident;
  if (grown > 0) {
    trial.find(text("%lld bytes of the heap are lost in %d times configure and destroy",
                    static_cast<long long>(grown), kRounds));
  }
  if (resident_grown > 16 * 1024)
    trial.find(text("the process has grown by %lld KiB in %d times",
                    static_cast<long long>(resident_grown), kRounds));
  if (entries("/proc/self/fd") > files) trial.find("files or sockets are left open");
  if (entries("/proc/self/task") > threads) trial.find("threads are left running");
  trial.note(text("heap %+lld bytes, resident %+lld KiB after %d times",
                  static_cast<long long>(grown), static_cast<long long>(resident_grown), kRounds));
}

}  // namespace rise::kit
