#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "rt_core/kit/checks.hpp"
#include "rt_core/kit/rig.hpp"

namespace rise::kit {

namespace {

constexpr Manner kManners[] = {Manner::Device, Manner::Words, Manner::Absent};

struct Story {
  std::vector<std::string> log;
  std::uint64_t hash = 0;
  std::string writes;
};

Story told_by(const Probe& probe) { return {probe.log, probe.log_hash, probe.write_log}; }

void compare(Trial& trial, const Story& first, const Story& second, const std::string& what) {
  if (first.hash == second.hash) return;
  const auto [a, b] =
      std::mismatch(first.log.begin(), first.log.end(), second.log.begin(), second.log.end());
  trial.find(text("%s: \"%s\" instead of \"%s\"", what.c_str(),
                  b == second.log.end() ? "(nothing)" : b->c_str(),
                  a == first.log.end() ? "(nothing)" : a->c_str()));
}

RigMachine machine(const char* name, Manner manner, std::uint64_t seed) {
  return {.name = name, .peer = {.manner = manner, .seed = seed}};
}

Story live(Trial& trial, const std::vector<RigMachine>& machines, std::size_t whose,
           std::int64_t ms) {
  Rig rig(trial, machines, false);
  if (!rig.ok()) return {};
  rig.begin();
  rig.run_ms(ms);
  Story story = told_by(rig.probe(whose));
  rig.stop();
  return story;
}

bool copy_file(const std::string& from, const std::string& to) {
  std::ifstream in(from, std::ios::binary);
  std::ofstream out(to, std::ios::binary);
  out << in.rdbuf();
  return in.good() && out.good();
}

}  // namespace

void check_determinism(Trial& trial) {
  for (const Manner manner : kManners) {
    trial.doing(name_of(manner));
    const Story first = live(trial, {machine("a", manner, 1)}, 0, 5000);
    for (int i = 0; i < 2 && trial.clean(); ++i) {
      compare(trial, first, live(trial, {machine("a", manner, 1)}, 0, 5000),
              "the same input gave another output");
    }
    if (!trial.clean()) return;
  }
}

void check_two_instances(Trial& trial) {
  for (const Manner manner : kManners) {
    trial.doing(name_of(manner));
    const RigMachine a = machine("a", manner, 1);
    const RigMachine b = machine("b", manner, 2);
    const Story a_alone = live(trial, {a}, 0, 3000);
    const Story b_alone = live(trial, {b}, 0, 3000);
    compare(trial, a_alone, live(trial, {a, b}, 0, 3000),
            "a second machine has changed what the first one does");
    compare(trial, b_alone, live(trial, {a, b}, 1, 3000),
            "a machine beside it has changed what the second one does");
    if (!trial.clean()) return;
    if (manner != Manner::Device || trial.subject.dialog.empty()) continue;
    if (!a_alone.writes.empty() && a_alone.writes == b_alone.writes)
      trial.find("two machines whose devices answer differently have the same values");
  }
  // One in trouble, one not.
  trial.doing("one with a device, one with noise");
  const RigMachine good = machine("a", Manner::Device, 1);
  const Story alone = live(trial, {good}, 0, 3000);
  compare(trial, alone, live(trial, {good, machine("b", Manner::Noise, 2)}, 0, 3000),
          "a machine in trouble has changed what the other one does");
}

namespace {

// As `rise driver reload` does it: a fresh copy is made ready beside the one that runs, and takes
// its seat between two cycles.
void exchange(Trial& trial) {
  trial.doing("a fresh copy takes over between two cycles");
  const std::string path = trial.subject.folder + "/exchanged.so";
  if (!copy_file(trial.subject.path, path)) return trial.skip("cannot copy the shared object");
  Result<driver::Library> loaded = driver::Library::load(path);
  if (!loaded) return trial.find("a fresh copy does not load: " + loaded.error());
  const auto library = std::make_shared<const driver::Library>(std::move(*loaded));
  Rig rig(trial, {machine("a", Manner::Device, 1)}, false);
  if (!rig.ok()) return;
  rig.begin();
  rig.run_ms(1000);
  if (!trial.clean()) return;
  const Probe* const before = &rig.probe();
  const bool spoke = before->opens != 0 || before->writes != 0;
  driver::Instance& instance = rig.core().machine(0);
  std::string why;
  std::unique_ptr<driver::Seat> seat =
      instance.prepare(Probe::wrap(1, &library->driver()), library, &why);
  if (seat == nullptr) return trial.find("a fresh copy cannot take over: " + why);
  if (!instance.offer(&seat)) return trial.find("a fresh copy is not taken");
  rig.run_ms(2000);
  instance.collect().reset();
  if (!trial.clean()) return;
  const Probe* const after = &rig.probe();
  if (after == before) return trial.find("the old copy goes on");
  if (spoke && after->opens == 0 && after->writes == 0)
    trial.find(
        "the copy that has taken over does nothing: it opens no connection, writes no signal");
  rig.stop();
}

}  // namespace

void check_reload(Trial& trial) {
  trial.doing("undisturbed");
  const Story undisturbed = live(trial, {machine("a", Manner::Device, 1)}, 0, 3000);
  if (!trial.clean()) return;
  Rig rig(trial, {machine("a", Manner::Device, 1)}, false);
  rig.begin();
  rig.run_ms(1000);
  for (int i = 0; i < 3 && trial.clean(); ++i) {
    const std::string fresh = trial.subject.folder + text("/fresh-%d.so", i);
    if (!copy_file(trial.subject.path, fresh)) return trial.skip("cannot copy the shared object");
    {
      trial.doing(text("copy %d is loaded, configured, run, destroyed", i));
      Result<driver::Library> library = driver::Library::load(fresh);
      if (!library) return trial.find("a second copy does not load: " + library.error());
      RigMachine second = machine("second", Manner::Device, 7);
      second.slot = static_cast<std::size_t>(1 + i % 2);
      second.driver = &library->driver();
      Rig beside(trial, {second}, false);
      if (!beside.ok()) return;
      beside.begin();
      beside.run_ms(200);
      beside.stop();
    }
    if (void* still = ::dlopen(fresh.c_str(), RTLD_NOW | RTLD_NOLOAD); still != nullptr) {
      ::dlclose(still);
      trial.find(
          "a copy stays in memory after it was unloaded: link with -fno-gnu-unique, and end "
          "all threads in destroy()");
    }
    trial.doing(text("the first one goes on after copy %d is gone", i));
    rig.run_ms(500);
  }
  rig.run_ms(500);
  if (!trial.clean()) return;
  compare(trial, undisturbed, told_by(rig.probe()),
          "loading a second copy has changed what the running one does");
  rig.stop();
  exchange(trial);
}

}  // namespace rise::kit
