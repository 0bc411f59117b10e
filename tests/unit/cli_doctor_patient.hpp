// A folder that stands for a machine in the tests of `rise doctor`: in the best of health, until a
// test takes something away.
#pragma once

#include <CppUTest/TestHarness.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "plugins/cli/doctor/examine.hpp"

namespace rise::cli::test {

struct File {
  const char* path;
  const char* text;
};

constexpr char kCmdline[] =
    "quiet isolcpus=managed_irq,domain,3 nohz_full=3 rcu_nocbs=3 irqaffinity=0-2";
constexpr char kVersion[] =
    "Linux version 6.12.9-amd64 (a@b) (gcc) #1 SMP PREEMPT_RT Debian 6.12.9-1";

// Mainline PREEMPT_RT, four cores without siblings, core 3 left to the lane.
constexpr File kHealthy[] = {
    {"/proc/version", kVersion},
    {"/proc/cmdline", kCmdline},
    {"/proc/cpuinfo", "processor : 0\nflags : fpu cat_l3 cat_l2"},
    {"/proc/uptime", "7200.00 100.00"},
    {"/proc/self/status", "Name: rise\nSeccomp:\t0"},
    {"/proc/self/cgroup", "0::/system.slice"},
    {"/proc/sys/kernel/osrelease", "6.12.9-amd64"},
    {"/proc/sys/kernel/io_uring_disabled", "0"},
    {"/proc/sys/kernel/sched_rt_runtime_us", "-1"},
    {"/sys/kernel/debug/sched/fair_server/cpu3/runtime", "0"},
    {"/proc/sys/kernel/nmi_watchdog", "0"},
    {"/proc/sys/net/core/busy_poll", "0"},
    {"/proc/sys/net/core/busy_read", "0"},
    {"/proc/sys/vm/swappiness", "60"},
    {"/boot/config-6.12.9-amd64", "CONFIG_SMP=y\n# CONFIG_RT_GROUP_SCHED is not set"},
    {"/sys/devices/system/cpu/online", "0-3"},
    {"/sys/devices/system/cpu/isolated", "3"},
    {"/sys/devices/system/cpu/nohz_full", "3"},
    {"/sys/devices/system/cpu/smt/active", "0"},
    {"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance"},
    {"/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "performance"},
    {"/sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "3"},
    {"/sys/devices/system/cpu/cpu3/cpuidle/state0/name", "POLL"},
    {"/sys/devices/system/cpu/cpu3/cpuidle/state0/latency", "0"},
    {"/sys/devices/system/cpu/cpu3/cpuidle/state1/name", "C6"},
    {"/sys/devices/system/cpu/cpu3/cpuidle/state1/latency", "133"},
    {"/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc"},
    {"/sys/fs/resctrl/schemata", "L3:0=fff"},
    {"/sys/fs/resctrl/rise/schemata", "L3:0=00f"},
    {"/sys/fs/resctrl/info/last_cmd_status", "ok"},
    {"/dev/cpu_dma_latency", ""},
    {"/dev/shm/anything", ""},
    {"/dev/vfio/vfio", ""},
    {"/dev/ptp0", ""},
    {"/proc/irq/default_smp_affinity", "7"},
    {"/proc/irq/24/effective_affinity_list", "0"},
    {"/proc/irq/24/smp_affinity_list", "0-2"},
    {"/proc/irq/25/smp_affinity_list", "1"},
    {"/proc/interrupts",
     "           CPU0       CPU1       CPU2       CPU3\n"
     " 24:         10          0          0          7  PCI-MSI 0-edge      eth0-rx\n"
     " 25:          0          5          0          1  PCI-MSI 1-edge      nvme0q1\n"
     "NMI:          0          0          0          0  Non-maskable interrupts"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never"},
    {"/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "64"},
    {"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "60"},
    {"/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0"},
    {"/sys/kernel/iommu_groups/0/type", "DMA"},
    {"/proc/swaps", "Filename Type Size Used Priority"},
    {"/sys/class/net/lo/operstate", "unknown"},
    {"/sys/class/net/eth0/operstate", "up"},
    {"/sys/class/net/eth0/device/vendor", "0x8086"},
    {"/sys/class/net/eth1/operstate", "down"},
    {"/sys/class/net/eth1/device/vendor", "0x8086"},
    {"/proc/mounts",
     "proc /proc proc rw 0 0\n/dev/sda2 /var ext4 rw 0 0\n/dev/sda1 / ext4 rw 0 0\n"
     "tmpfs /var/lock tmpfs rw 0 0"},
    {"/sys/class/block/sda2/queue/rotational", "0"},
};

// What a thread of the kernel or a process looks like in /proc.
inline std::string stat_of(int pid, const std::string& name, int priority) {
  std::string text = std::to_string(pid) + " (" + name + ") S";
  for (int field = 4; field <= 39; ++field) text += " 0";
  return text + " " + std::to_string(priority) + " 1 0";
}

TEST_BASE(DoctorGroup) {
  Patient patient;

  void setup() override {
    char folder[] = "/tmp/rise-doctor-XXXXXX";
    CHECK(::mkdtemp(folder) != nullptr);
    patient.root = folder;
    patient.may_use_fifo = true;
    patient.may_lock_memory = true;
    patient.io_uring = "";
    patient.cpus = 3;
    NetworkCard card;
    card.name = "eth0";
    card.adaptive = false;
    card.wait_us = 0;
    card.gro = false;
    card.lro = false;
    patient.cards = {card};
    patient.clock_disciplined = true;
    patient.log_free_bytes = std::uint64_t{20} << 30;
    patient.clock_read_ns = 21;
    WakeUp w;
    w.seconds = 60;
    w.fifo = true;
    w.average_us = 3;
    w.worst_us = 12;
    patient.wake_up = w;
    for (const auto& [path, text] : kHealthy) put(path, text);
    thread(100, "chronyd", 0);
    thread(101, "irq/24-eth0-rx", 50);
    thread(103, "ktimers/3", 70);
    smi_count(0);
  }
  void teardown() override { std::filesystem::remove_all(patient.root); }

  void put(const std::string& path, const std::string& text) {
    const std::filesystem::path file(patient.root + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  void remove(const std::string& path) { std::filesystem::remove_all(patient.root + path); }
  void thread(int pid, const std::string& name, int priority) {
    put("/proc/" + std::to_string(pid) + "/stat", stat_of(pid, name, priority));
  }
  void smi_count(std::uint64_t count) {
    put("/dev/cpu/3/msr", "");
    std::ofstream file(patient.root + "/dev/cpu/3/msr");
    file.seekp(0x34);
    file.write(reinterpret_cast<const char*>(&count), sizeof count);
  }
  // The kernel's command line without one of its words.
  void without_boot_option(const std::string& name) {
    std::string line(kCmdline);
    const std::size_t at = line.find(name + "=");
    const std::size_t end = line.find(' ', at);
    line.erase(at, end == std::string::npos ? end : end - at);
    put("/proc/cmdline", line);
  }
  Finding finding(const std::string& id) {
    for (const Finding& f : examine(patient)) {
      if (f.id == id) return f;
    }
    FAIL(("no finding " + id).c_str());
    return {};
  }
  // Everything else passes; `id` has this verdict and says what to do; `words` are in what it says.
  void only(const std::string& id, Verdict verdict, char mark = 'A',
            const std::string& words = "") {
    const std::vector<Finding> findings = examine(patient);
    bool found = false;
    for (const Finding& f : findings) {
      CHECK_TEXT(!f.found.empty() && !f.why.empty(), f.id.c_str());
      const bool it = f.id == id;
      found = found || it;
      CHECK_TEXT(f.verdict == (it ? verdict : Verdict::Pass), (f.id + ": " + f.found).c_str());
      CHECK_TEXT(f.remedy.empty() == (f.verdict == Verdict::Pass), f.id.c_str());
      if (it) CHECK_TEXT((f.found + f.effect).find(words) != std::string::npos, f.found.c_str());
    }
    CHECK_TEXT(found || id.empty(), id.c_str());
    BYTES_EQUAL(mark, grade(findings, patient));
    LONGS_EQUAL(mark == 'F' ? 1 : 0, exit_code(findings));
  }
  void fine() { only("", Verdict::Pass); }
  // The verdict of one, whatever the others say.
  void says(const std::string& id, Verdict verdict, const std::string& words = "") {
    const Finding f = finding(id);
    CHECK_TEXT(f.verdict == verdict, (f.id + ": " + f.found).c_str());
    CHECK_TEXT((f.found + f.effect + f.remedy).find(words) != std::string::npos,
               (f.found + " / " + f.effect + " / " + f.remedy).c_str());
    CHECK_TEXT(f.remedy.empty() == (f.verdict == Verdict::Pass), f.id.c_str());
  }
};

}  // namespace rise::cli::test
