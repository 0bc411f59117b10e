// The checks of `rise doctor` on the processor, interrupts and their threads.
#include "plugins/cli/doctor/best_core.hpp"
#include "tests/unit/cli_doctor_patient.hpp"

using rise::cli::Verdict;

TEST_GROUP_BASE(CliDoctorProcessor, rise::cli::test::DoctorGroup){};

TEST(CliDoctorProcessor, AGovernorThatSlowsDown) {
  put("/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "schedutil");
  only("governor", Verdict::Warn, 'A', "schedutil on core 3");
  remove("/sys/devices/system/cpu/cpu0/cpufreq");
  remove("/sys/devices/system/cpu/cpu3/cpufreq");  // a virtual machine: nothing scales
  fine();
  remove("/sys/devices/system/cpu/online");
  says("governor", Verdict::Unknown);
}

TEST(CliDoctorProcessor, DeepIdleStatesCannotBeHeldOff) {
  says("idle_states", Verdict::Pass, "133 us to wake from C6");
  remove("/dev/cpu_dma_latency");
  only("idle_states", Verdict::Warn, 'A', "133 us to wake from C6");
  put("/sys/devices/system/cpu/cpu3/cpuidle/state1/disable", "1");
  only("idle_states", Verdict::Warn, 'A', "0 us to wake from POLL");
  remove("/dev");
  says("idle_states", Verdict::Unknown);
}

TEST(CliDoctorProcessor, CoresAreShared) {
  put("/sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "1,3");
  only("smt", Verdict::Warn, 'A', "core 1");
  put("/sys/devices/system/cpu/isolated", "1,3");  // nobody runs there: it is left idle
  fine();
  put("/sys/devices/system/cpu/isolated", "3");
  put("/sys/devices/system/cpu/online", "0,2-3");  // or it is off
  fine();
  put("/sys/devices/system/cpu/online", "0-3");
  remove("/sys/devices/system/cpu/cpu3/topology");
  fine();  // nothing is shared anywhere
  remove("/sys/devices/system/cpu/smt");
  only("smt", Verdict::Unknown);
}

TEST(CliDoctorProcessor, ASlowClockFailsButIsNotFatal) {
  for (const char* name : {"hpet", "acpi_pm"}) {
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", name);
    only("clocksource", Verdict::Fail, 'A', "21 ns");
  }
  put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock");
  fine();
  remove("/sys/devices/system/clocksource");
  only("clocksource", Verdict::Unknown);
}

TEST(CliDoctorProcessor, TheCacheIsNotPartitioned) {
  remove("/sys/fs/resctrl/rise");
  only("resctrl", Verdict::Warn, 'A', "one group only");
  remove("/sys/fs/resctrl");
  only("resctrl", Verdict::Warn, 'A', "not in use");
  put("/proc/cpuinfo", "processor : 0\nflags : fpu cat_l3_not");
  only("resctrl", Verdict::Warn, 'A', "cannot");
  remove("/proc/cpuinfo");
  only("resctrl", Verdict::Unknown);
}

TEST(CliDoctorProcessor, TheFirmwareInterrupts) {
  smi_count(50);
  only("smi", Verdict::Warn, 'A', "25.00 an hour");
  put("/dev/cpu/3/msr", "short");  // a processor that does not have the counter
  only("smi", Verdict::Unknown, 'A', "does not count");
  remove("/dev/cpu");
  only("smi", Verdict::Unknown);
}

TEST(CliDoctorProcessor, LatenessIsJudgedByThePublishedBars) {
  const auto late = [&](double worst_us, Verdict verdict, char mark) {
    patient.wake_up->worst_us = worst_us;
    only("wake_up", verdict, mark);
  };
  late(20, Verdict::Pass, 'A');
  late(20.1, Verdict::Pass, 'B');
  late(40, Verdict::Pass, 'B');
  late(40.1, Verdict::Warn, 'C');
  late(50, Verdict::Warn, 'C');
  late(50.1, Verdict::Fail, 'D');
  patient.wake_up->fifo = false;
  only("wake_up", Verdict::Fail, 'D', "without SCHED_FIFO");
  patient.wake_up.reset();
  only("wake_up", Verdict::Unknown, 'B');
}

TEST(CliDoctorProcessor, NewInterruptsMayGoAnywhere) {
  put("/proc/irq/default_smp_affinity", "f");
  only("irqaffinity", Verdict::Warn);
  put("/proc/irq/default_smp_affinity", "00000000,00000007");
  fine();
  remove("/proc/irq/default_smp_affinity");
  fine();  // the command line says so
  put("/proc/cmdline", "quiet nohz_full=3 irqaffinity=0-3");
  only("irqaffinity", Verdict::Warn);
  without_boot_option("irqaffinity");
  only("irqaffinity", Verdict::Unknown);
}

TEST(CliDoctorProcessor, InterruptsAreServedOnTheLanesCore) {
  put("/proc/irq/25/smp_affinity_list", "0-3");
  only("irq_placement", Verdict::Warn, 'A', "25 nvme0q1");
  says("irq_placement", Verdict::Warn, "1 of them served there");
  put("/proc/irq/24/effective_affinity_list", "3");  // it was moved: it has not come since
  says("irq_placement", Verdict::Warn, "1 may go to core 3");
  put("/proc/irq/24/smp_affinity_list", "0-3");
  says("irq_placement", Verdict::Warn, "2 may go to core 3");
  put("/proc/irq/25/smp_affinity_list", "1");
  says("irq_placement", Verdict::Warn, "7 of them served there");
  put("/proc/irq/24/effective_affinity_list", "0");  // it may go there, and does not
  fine();
  remove("/proc/interrupts");
  says("irq_placement", Verdict::Unknown);
}

TEST(CliDoctorProcessor, SomebodyMovesInterrupts) {
  thread(200, "irqbalance", 0);
  only("irqbalance", Verdict::Warn);
}

TEST(CliDoctorProcessor, AnInterruptThreadAboveTheLane) {
  thread(102, "irq/25-a) b", 90);  // a name may hold anything
  only("irq_threads", Verdict::Warn, 'A', "irq/25-a) b has priority 90");
  remove("/proc/102");
  remove("/proc/101");
  only("irq_threads", Verdict::Warn, 'A', "not served by threads");
}

TEST(CliDoctorProcessor, OneDriverHasAThreadAndTheOthersNone) {
  put("/proc/interrupts",
      "           CPU0       CPU3\n 24:  1  0  PCI-MSI 0-edge  eth0\n"
      " 25:  1  0  PCI-MSI 1-edge  nvme0\n 26:  1  0  PCI-MSI 2-edge  xhci");
  only("irq_threads", Verdict::Warn, 'A', "1 for 3 interrupts");
}

TEST(CliDoctorProcessor, TimersBelowEveryRealTimeThread) {
  thread(103, "ktimers/3", 1);
  thread(102, "ktimers/0", 70);
  only("ktimers", Verdict::Warn, 'A', "ktimers/3 has priority 1");
  says("ktimers", Verdict::Warn, "chrt -f -p 70 103");
  thread(103, "ktimers/3", 90);
  only("ktimers", Verdict::Warn, 'A', "not below the lane");
  remove("/proc/103");
  remove("/proc/102");
  only("ktimers", Verdict::Pass, 'A', "none");
}

TEST(CliDoctorProcessor, WithoutProcNothingIsKnownOfThreads) {
  remove("/proc");
  for (const char* id : {"irqbalance", "irq_threads", "ktimers", "time_sync", "irq_placement"})
    says(id, Verdict::Unknown);
}

TEST(CliDoctorProcessor, TheBestCore) {
  using rise::cli::best_core;
  LONGS_EQUAL(3, *best_core(patient));
  // The isolated one before the last one; more isolated before less.
  put("/sys/devices/system/cpu/isolated", "1");
  put("/sys/devices/system/cpu/nohz_full", "");
  put("/proc/cmdline", "quiet rcu_nocbs=2");
  LONGS_EQUAL(1, *best_core(patient));
  // Among equals the one without a sibling in use, then the last.
  put("/sys/devices/system/cpu/isolated", "");
  put("/proc/cmdline", "quiet");
  put("/sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "1,3");
  put("/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1,3");
  LONGS_EQUAL(2, *best_core(patient));
  // Core 0 only if there is no other, however isolated.
  put("/sys/devices/system/cpu/isolated", "0");
  LONGS_EQUAL(2, *best_core(patient));
  put("/sys/devices/system/cpu/online", "0");
  LONGS_EQUAL(0, *best_core(patient));
  remove("/sys/devices/system/cpu/online");
  CHECK_FALSE(best_core(patient).has_value());
}
