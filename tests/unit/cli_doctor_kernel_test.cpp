// The checks of `rise doctor` on the kernel and on how a core is left to the lane.
#include "tests/unit/cli_doctor_patient.hpp"

using rise::cli::Verdict;
using rise::cli::test::kVersion;

TEST_GROUP_BASE(CliDoctorKernel, rise::cli::test::DoctorGroup){};

TEST(CliDoctorKernel, WithoutPreemptRtNothingElseHelps) {
  put("/proc/version", "Linux version 6.1.0 (a@b) (gcc) #1 SMP PREEMPT_DYNAMIC Debian");
  only("preempt_rt", Verdict::Fail, 'F');
  remove("/proc/version");
  only("preempt_rt", Verdict::Unknown, 'D');
}

TEST(CliDoctorKernel, PreemptRtIsKnownByEitherSign) {
  only("", Verdict::Pass);
  says("preempt_rt", Verdict::Pass, "mainline");
  remove("/proc/version");
  put("/sys/kernel/realtime", "1");  // with the RT patches, before 6.12
  fine();
  says("preempt_rt", Verdict::Pass, "RT patches");
  put("/sys/kernel/realtime", "0");
  put("/proc/version", kVersion);
  fine();
  // The name of a builder's host is not a sign.
  put("/proc/version", "Linux version 6.1.0 (a@PREEMPT_RT-box) (gcc) #1 SMP PREEMPT_RT_FULL");
  only("preempt_rt", Verdict::Fail, 'F');
}

TEST(CliDoctorKernel, AnOldKernelHasNoDeferredCompletions) {
  for (const char* release : {"5.10.0-rt", "6.0.12", "4.19"}) {
    put("/proc/sys/kernel/osrelease", release);
    says("kernel_version", Verdict::Warn, release);
  }
  for (const char* release : {"6.1.0-rt", "6.12.1", "7.0"}) {
    put("/proc/sys/kernel/osrelease", release);
    says("kernel_version", Verdict::Pass, release);
  }
  says("kernel_version", Verdict::Pass, "can be built with PREEMPT_RT");
  for (const char* release : {"unreadable", ""}) {
    put("/proc/sys/kernel/osrelease", release);
    says("kernel_version", Verdict::Unknown);
  }
}

TEST(CliDoctorKernel, AnUnusableIoUringSaysWhy) {
  patient.io_uring = "not usable: Operation not permitted";
  only("io_uring", Verdict::Warn, 'A', *patient.io_uring);
  put("/proc/sys/kernel/io_uring_disabled", "2");
  only("io_uring", Verdict::Warn, 'A', "kernel.io_uring_disabled");
  put("/proc/sys/kernel/io_uring_disabled", "0");
  put("/proc/self/status", "Name: rise\nSeccomp:\t2");
  only("io_uring", Verdict::Warn, 'A', "seccomp filter");
  patient.io_uring = "";  // it was tried: the filter lets it through
  patient.io_uring_features = "features 0x3fff";
  only("io_uring", Verdict::Pass, 'A', "0x3fff");
}

TEST(CliDoctorKernel, AnIoUringThatWasNotTriedIsNotKnownToWork) {
  patient.io_uring.reset();
  fine();  // neither the sysctl nor a filter forbids it
  put("/proc/self/status", "Name: rise\nSeccomp:\t2");
  only("io_uring", Verdict::Unknown);
  remove("/proc/self/status");
  only("io_uring", Verdict::Unknown);
  put("/proc/sys/kernel/io_uring_disabled", "1");
  only("io_uring", Verdict::Warn, 'A', "= 1");
}

TEST(CliDoctorKernel, WithoutFifo) {
  patient.may_use_fifo = false;
  only("sched_fifo", Verdict::Fail, 'F');
  patient.may_use_fifo.reset();
  only("sched_fifo", Verdict::Unknown, 'D');
}

TEST(CliDoctorKernel, AGroupWithoutBudgetRefusesFifo) {
  put("/proc/self/cgroup", "5:cpu,cpuacct:/plant\n0::/");
  put("/sys/fs/cgroup/cpu,cpuacct/plant/cpu.rt_runtime_us", "0");
  only("rt_group_sched", Verdict::Fail);
  put("/sys/fs/cgroup/cpu,cpuacct/plant/cpu.rt_runtime_us", "950000");
  only("rt_group_sched", Verdict::Pass, 'A', "950000 us");
  remove("/sys/fs/cgroup/cpu,cpuacct/plant/cpu.rt_runtime_us");
  put("/sys/fs/cgroup/cpu,cpuacct/plant/cpu.shares", "1024");
  only("rt_group_sched", Verdict::Pass, 'A', "not in this kernel");
}

TEST(CliDoctorKernel, GroupSchedulingWithTheUnifiedHierarchy) {
  put("/boot/config-6.12.9-amd64", "CONFIG_SMP=y\nCONFIG_RT_GROUP_SCHED=y");
  only("rt_group_sched", Verdict::Warn);
  put("/proc/cmdline", std::string(rise::cli::test::kCmdline) + " rt_group_sched=0");
  only("rt_group_sched", Verdict::Pass, 'A', "at boot");
  put("/proc/cmdline", rise::cli::test::kCmdline);
  remove("/boot");
  only("rt_group_sched", Verdict::Unknown);
}

TEST(CliDoctorKernel, RealTimeIsThrottled) {
  put("/proc/sys/kernel/sched_rt_runtime_us", "950000");
  only("rt_throttling", Verdict::Warn);
  remove("/proc/sys/kernel/sched_rt_runtime_us");
  only("rt_throttling", Verdict::Unknown);
}

TEST(CliDoctorKernel, AStarvingThreadIsServedBeforeTheLane) {
  const char* const runtime = "/sys/kernel/debug/sched/fair_server/cpu3/runtime";
  put(runtime, "50000000");
  only("fair_server", Verdict::Warn, 'A', "50000000 ns");
  remove(runtime);
  only("fair_server", Verdict::Unknown);
  put("/proc/sys/kernel/osrelease", "6.11.2-amd64");
  says("fair_server", Verdict::Pass);
}

TEST(CliDoctorKernel, OneCoreIsNotEnough) {
  patient.cpus = 1;
  put("/sys/devices/system/cpu/online", "0");
  says("cores", Verdict::Fail);
  BYTES_EQUAL('F', rise::cli::grade(rise::cli::examine(patient), patient));
  // Isolated ones are not in this process's affinity, and count.
  put("/sys/devices/system/cpu/online", "0-3");
  only("", Verdict::Pass);
  says("cores", Verdict::Pass, "core 3");
  remove("/sys/devices/system/cpu/online");
  patient.cpus.reset();
  says("cores", Verdict::Unknown);
  BYTES_EQUAL('D', rise::cli::grade(rise::cli::examine(patient), patient));
}

TEST(CliDoctorKernel, NoIsolatedCore) {
  put("/sys/devices/system/cpu/isolated", "");
  only("isolcpus", Verdict::Warn, 'A', "no core");
  remove("/sys/devices/system/cpu/isolated");
  only("isolcpus", Verdict::Unknown);
}

TEST(CliDoctorKernel, AnotherCoreIsIsolatedThanTheLanes) {
  patient.lane_cpu = 2;
  says("isolcpus", Verdict::Warn, "not core 2");
  says("nohz_full", Verdict::Warn, "not core 2");
  says("rcu_nocbs", Verdict::Warn, "core 2");
  says("irqaffinity", Verdict::Warn, "core 2");
}

TEST(CliDoctorKernel, TheTickIsOnEveryCore) {
  put("/sys/devices/system/cpu/nohz_full", "(null)");
  only("nohz_full", Verdict::Warn, 'A', "every core");
  remove("/sys/devices/system/cpu/nohz_full");
  fine();  // the command line says so
  without_boot_option("nohz_full");
  only("nohz_full", Verdict::Warn);
}

TEST(CliDoctorKernel, RcuCallbacksMoveWithEitherOption) {
  without_boot_option("rcu_nocbs");
  fine();  // nohz_full implies it
  put("/sys/devices/system/cpu/nohz_full", "");
  says("rcu_nocbs", Verdict::Warn);
  says("nohz_full", Verdict::Warn);
  put("/proc/cmdline", "quiet rcu_nocbs=1-N");
  says("rcu_nocbs", Verdict::Pass);
}

TEST(CliDoctorKernel, WithoutACommandLineNothingIsKnownOfTheTick) {
  remove("/proc/cmdline");
  remove("/sys/devices/system/cpu/nohz_full");
  says("nohz_full", Verdict::Unknown);
  says("rcu_nocbs", Verdict::Unknown);
}

TEST(CliDoctorKernel, TheWatchdogInterrupts) {
  put("/proc/sys/kernel/nmi_watchdog", "1");
  only("nmi_watchdog", Verdict::Warn);
  remove("/proc/sys/kernel/nmi_watchdog");
  only("nmi_watchdog", Verdict::Pass, 'A', "not in this kernel");
  remove("/proc/sys/kernel");
  says("nmi_watchdog", Verdict::Unknown);
}
