// The checks of `rise doctor` on a folder that stands for a machine.
#include <CppUTest/TestHarness.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "plugins/cli/doctor.hpp"

using rise::cli::examine;
using rise::cli::Finding;
using rise::cli::Patient;
using rise::cli::Verdict;

namespace {

// A machine as `rise doctor` would have it: mainline PREEMPT_RT, core 3 left to the lane.
constexpr std::pair<const char*, const char*> kHealthy[] = {
    {"/proc/version", "Linux version 6.12.9-amd64 (a@b) (gcc) #1 SMP PREEMPT_RT Debian 6.12.9-1"},
    {"/proc/sys/kernel/osrelease", "6.12.9-amd64"},
    {"/proc/cmdline", "quiet isolcpus=managed_irq,domain,3 nohz_full=3 rcu_nocbs=3 irqaffinity=0"},
    {"/sys/devices/system/cpu/isolated", "3"},
    {"/proc/sys/kernel/sched_rt_runtime_us", "-1"},
    {"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance"},
    {"/dev/cpu_dma_latency", ""},
    {"/sys/devices/system/cpu/smt/active", "0"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never"},
    {"/proc/swaps", "Filename Type Size Used Priority"},
    {"/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc"},
    {"/dev/shm/anything", ""},
};

}  // namespace

TEST_GROUP(CliDoctorChecks) {
  Patient patient;

  void setup() override {
    char folder[] = "/tmp/rise-doctor-XXXXXX";
    CHECK(::mkdtemp(folder) != nullptr);
    patient.root = folder;
    patient.may_use_fifo = true;
    patient.may_lock_memory = true;
    patient.cpus = 4;
    for (const auto& [path, line] : kHealthy) put(path, line);
  }
  void teardown() override { std::filesystem::remove_all(patient.root); }

  void put(const std::string& path, const std::string& text) {
    const std::filesystem::path file(patient.root + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  void remove(const std::string& path) { std::filesystem::remove_all(patient.root + path); }
  // The kernel's command line without one of its words.
  void without_boot_option(const std::string& name) {
    std::string line(kHealthy[2].second);
    const std::size_t at = line.find(name + "=");
    const std::size_t end = line.find(' ', at);
    line.erase(at, end == std::string::npos ? end : end - at);
    put("/proc/cmdline", line);
  }
  // Everything else passes; `id` has this verdict, and says what to do.
  void only(const std::string& id, Verdict verdict, char grade) {
    const std::vector<Finding> findings = examine(patient);
    bool found = false;
    for (const Finding& f : findings) {
      CHECK_TEXT(!f.found.empty() && !f.why.empty(), f.id.c_str());
      const bool it = f.id == id;
      found = found || it;
      CHECK_TEXT(f.verdict == (it ? verdict : Verdict::Pass), (f.id + ": " + f.found).c_str());
      CHECK_TEXT(f.remedy.empty() == (f.verdict == Verdict::Pass), f.id.c_str());
    }
    CHECK_TEXT(found || id.empty(), id.c_str());
    BYTES_EQUAL(grade, rise::cli::grade(findings));
    LONGS_EQUAL(grade == 'F' ? 1 : 0, rise::cli::exit_code(findings));
  }
};

TEST(CliDoctorChecks, AHealthyMachineHasNothingToImprove) {
  only("", Verdict::Pass, 'A');
  LONGS_EQUAL(18, examine(patient).size());
}

TEST(CliDoctorChecks, WithoutPreemptRtNothingElseHelps) {
  put("/proc/version", "Linux version 6.1.0 (a@b) (gcc) #1 SMP PREEMPT_DYNAMIC Debian");
  only("preempt_rt", Verdict::Fail, 'F');
  remove("/proc/version");
  only("preempt_rt", Verdict::Fail, 'F');
}

TEST(CliDoctorChecks, PreemptRtIsKnownByEitherSign) {
  remove("/proc/version");
  put("/sys/kernel/realtime", "1");  // with the RT patches, before 6.12
  only("", Verdict::Pass, 'A');
  put("/sys/kernel/realtime", "0");
  only("preempt_rt", Verdict::Fail, 'F');
  put("/proc/version", kHealthy[0].second);
  only("", Verdict::Pass, 'A');
  // The name of a builder's host is not a sign.
  put("/proc/version", "Linux version 6.1.0 (a@PREEMPT_RT-box) (gcc) #1 SMP PREEMPT_RT_FULL");
  only("preempt_rt", Verdict::Fail, 'F');
}

TEST(CliDoctorChecks, AnOldKernelHasNoDeferredCompletions) {
  for (const char* release : {"5.10.0-rt", "6.0.12", "4.19", "unreadable", ""}) {
    put("/proc/sys/kernel/osrelease", release);
    only("kernel_version", Verdict::Warn, 'A');
  }
  for (const char* release : {"6.1.0-rt", "6.12.1", "7.0"}) {
    put("/proc/sys/kernel/osrelease", release);
    only("", Verdict::Pass, 'A');
  }
}

TEST(CliDoctorChecks, AnUnusableIoUringSaysWhy) {
  patient.io_uring = "not usable: Operation not permitted";
  only("io_uring", Verdict::Warn, 'A');
  STRCMP_EQUAL(patient.io_uring.c_str(), examine(patient)[2].found.c_str());
}

TEST(CliDoctorChecks, WithoutFifo) {
  patient.may_use_fifo = false;
  only("sched_fifo", Verdict::Fail, 'F');
}

TEST(CliDoctorChecks, WithoutLockedMemory) {
  patient.may_lock_memory = false;
  only("memlock", Verdict::Fail, 'F');
}

TEST(CliDoctorChecks, OneCoreIsNotEnough) {
  patient.cpus = 1;
  only("cores", Verdict::Fail, 'F');
  patient.cpus = 2;
  only("", Verdict::Pass, 'A');
}

TEST(CliDoctorChecks, NoIsolatedCore) {
  put("/sys/devices/system/cpu/isolated", "");
  only("isolcpus", Verdict::Warn, 'A');
  remove("/sys/devices/system/cpu/isolated");
  only("isolcpus", Verdict::Warn, 'A');
}

TEST(CliDoctorChecks, TheTickIsOnEveryCore) {
  without_boot_option("nohz_full");
  only("nohz_full", Verdict::Warn, 'A');
}

TEST(CliDoctorChecks, RcuCallbacksMoveWithEitherOption) {
  without_boot_option("rcu_nocbs");
  only("", Verdict::Pass, 'A');  // nohz_full implies it
  put("/proc/cmdline", "quiet irqaffinity=0");
  const std::vector<Finding> findings = examine(patient);
  for (const Finding& f : findings) {
    const bool either = f.id == "rcu_nocbs" || f.id == "nohz_full";
    CHECK_TEXT(f.verdict == (either ? Verdict::Warn : Verdict::Pass), f.id.c_str());
  }
}

TEST(CliDoctorChecks, InterruptsMayGoAnywhere) {
  without_boot_option("irqaffinity");
  only("irqaffinity", Verdict::Warn, 'A');
}

TEST(CliDoctorChecks, RealTimeIsThrottled) {
  put("/proc/sys/kernel/sched_rt_runtime_us", "950000");
  only("rt_throttling", Verdict::Warn, 'A');
  remove("/proc/sys/kernel/sched_rt_runtime_us");
  only("rt_throttling", Verdict::Warn, 'A');
}

TEST(CliDoctorChecks, AGovernorThatSlowsDown) {
  put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil");
  only("governor", Verdict::Warn, 'A');
  remove("/sys/devices/system/cpu/cpu0/cpufreq");  // a virtual machine: nothing scales
  only("", Verdict::Pass, 'A');
}

TEST(CliDoctorChecks, DeepIdleStatesCannotBeHeldOff) {
  remove("/dev/cpu_dma_latency");
  only("idle_states", Verdict::Warn, 'A');
}

TEST(CliDoctorChecks, CoresAreShared) {
  put("/sys/devices/system/cpu/smt/active", "1");
  only("smt", Verdict::Warn, 'A');
}

TEST(CliDoctorChecks, HugePagesAreCollected) {
  put("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never");
  only("thp", Verdict::Warn, 'A');
  remove("/sys/kernel/mm/transparent_hugepage");
  only("", Verdict::Pass, 'A');
}

TEST(CliDoctorChecks, SwapIsInUse) {
  put("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2");
  only("swap", Verdict::Warn, 'A');
  remove("/proc/swaps");
  only("", Verdict::Pass, 'A');
}

TEST(CliDoctorChecks, ASlowClockFailsButIsNotFatal) {
  for (const char* name : {"hpet", "acpi_pm", ""}) {
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", name);
    only("clocksource", Verdict::Fail, 'A');
  }
  put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock");
  only("", Verdict::Pass, 'A');
}

TEST(CliDoctorChecks, WithoutSharedMemory) {
  remove("/dev/shm");
  only("shared_memory", Verdict::Fail, 'A');
}

TEST(CliDoctorChecks, GradesFallWithEachFinding) {
  put("/proc/cmdline", "quiet");
  put("/sys/devices/system/cpu/isolated", "");
  put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave");
  BYTES_EQUAL('B', rise::cli::grade(examine(patient)));
  put("/proc/sys/kernel/sched_rt_runtime_us", "950000");
  put("/proc/sys/kernel/osrelease", "5.10");
  put("/sys/devices/system/cpu/smt/active", "1");
  put("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never");
  remove("/dev/cpu_dma_latency");
  BYTES_EQUAL('C', rise::cli::grade(examine(patient)));
  remove("/dev/shm");
  put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet");
  patient.io_uring = "no";
  BYTES_EQUAL('D', rise::cli::grade(examine(patient)));
  LONGS_EQUAL(0, rise::cli::exit_code(examine(patient)));
  patient.may_use_fifo = false;
  BYTES_EQUAL('F', rise::cli::grade(examine(patient)));
  BYTES_EQUAL('F', rise::cli::grade({}));
}
