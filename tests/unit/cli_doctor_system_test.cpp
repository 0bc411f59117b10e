// The checks of `rise doctor` on memory, network, time and storage, and the grade.
#include "plugins/cli/doctor/look.hpp"
#include "tests/unit/cli_doctor_patient.hpp"

using rise::cli::Verdict;

TEST_GROUP_BASE(CliDoctorSystem, rise::cli::test::DoctorGroup){
    char mark(){return rise::cli::grade(rise::cli::examine(patient), patient);
}
}
;

TEST(CliDoctorSystem, AHealthyMachineHasNothingToImprove) { fine(); }

TEST(CliDoctorSystem, AnEmptyMachineIsUnknownThroughout) {
  rise::cli::Patient nobody;
  nobody.root = patient.root + "/nothing";
  for (const rise::cli::Finding& f : rise::cli::examine(nobody)) {
    CHECK_TEXT(f.verdict == Verdict::Unknown, (f.id + ": " + f.found).c_str());
    CHECK_TEXT(!f.remedy.empty(), f.id.c_str());
  }
  BYTES_EQUAL('D', rise::cli::grade(rise::cli::examine(nobody), nobody));
}

TEST(CliDoctorSystem, WithoutLockedMemory) {
  patient.may_lock_memory = false;
  only("memlock", Verdict::Fail, 'F');
  patient.may_lock_memory.reset();
  only("memlock", Verdict::Unknown, 'D');
}

TEST(CliDoctorSystem, HugePagesAreCollected) {
  put("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never");
  only("thp", Verdict::Warn);
  remove("/sys/kernel/mm/transparent_hugepage");
  fine();
  remove("/sys/kernel/mm");
  says("thp", Verdict::Unknown);
}

TEST(CliDoctorSystem, SwapIsInUse) {
  put("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2");
  only("swap", Verdict::Warn, 'A', "1 in use, vm.swappiness 60");
  put("/proc/sys/vm/swappiness", "1");
  fine();
  remove("/proc/swaps");
  fine();
  remove("/proc/sys/vm");
  only("swap", Verdict::Unknown);
}

TEST(CliDoctorSystem, NoHugePages) {
  says("hugepages", Verdict::Pass, "64 of 2048kB (60 free)");
  put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0");
  only("hugepages", Verdict::Warn);
  remove("/sys/kernel/mm/hugepages");
  says("hugepages", Verdict::Unknown);
}

TEST(CliDoctorSystem, WithoutSharedMemory) {
  remove("/dev/shm");
  only("shared_memory", Verdict::Fail);
}

TEST(CliDoctorSystem, ACardThatHoldsFramesBack) {
  patient.cards->front().wait_us = 50;
  only("nic_coalescing", Verdict::Warn, 'A', "up to 50 us");
  patient.cards->front().wait_us.reset();
  patient.cards->front().adaptive = true;
  only("nic_coalescing", Verdict::Warn, 'A', "adaptively");
  says("nic_coalescing", Verdict::Warn, "ethtool -C eth0");
  patient.cards->front().adaptive.reset();
  only("nic_coalescing", Verdict::Unknown);
}

TEST(CliDoctorSystem, ACardThatGathersFrames) {
  patient.cards->front().gro = true;
  only("nic_offloads", Verdict::Warn, 'A', "GRO");
  patient.cards->front().lro = true;
  says("nic_offloads", Verdict::Warn, "gro off lro off");
  patient.cards->front().gro.reset();
  patient.cards->front().lro.reset();
  only("nic_offloads", Verdict::Unknown);
}

TEST(CliDoctorSystem, OnlyCardsThatAreUpAreLookedAt) {
  put("/sys/class/net/eth1/operstate", "up");  // nothing was asked of it
  says("nic_coalescing", Verdict::Unknown, "eth1");
  put("/sys/class/net/eth0/operstate", "down");
  put("/sys/class/net/eth1/operstate", "down");
  says("nic_coalescing", Verdict::Unknown, "no network card");
  says("nic_offloads", Verdict::Unknown, "no network card");
}

TEST(CliDoctorSystem, EverySocketPolls) {
  put("/proc/sys/net/core/busy_read", "50");
  only("busy_poll", Verdict::Warn, 'A', "busy_read 50");
  remove("/proc/sys/net/core/busy_read");
  remove("/proc/sys/net/core/busy_poll");
  fine();
  remove("/proc/sys/net");
  only("busy_poll", Verdict::Unknown);
}

TEST(CliDoctorSystem, WhatDpdkLacks) {
  remove("/dev/vfio");
  only("dpdk", Verdict::Warn, 'A', "no VFIO");
  remove("/sys/kernel/iommu_groups");
  only("dpdk", Verdict::Warn, 'A', "no VFIO; no IOMMU");
  put("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "0");
  only("dpdk", Verdict::Warn, 'A', "no free huge page; ");
  put("/dev/vfio/vfio", "");
  put("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y");
  only("dpdk", Verdict::Warn, 'A', "no free huge page");
}

TEST(CliDoctorSystem, NobodyKeepsTheClock) {
  patient.clock_disciplined = false;
  only("time_sync", Verdict::Warn, 'A', "chronyd runs, but");
  remove("/proc/100");
  only("time_sync", Verdict::Warn, 'A', "nobody");
  says("time_sync", Verdict::Warn, "/dev/ptp0");
  thread(100, "systemd-timesyn", 0);
  only("time_sync", Verdict::Warn, 'A', "in steps");
  thread(100, "ptp4l", 0);
  patient.clock_disciplined.reset();
  fine();
}

TEST(CliDoctorSystem, LogsWithoutADisk) {
  says("log_disk", Verdict::Pass, "/dev/sda2 (ext4)");
  patient.log_free_bytes = 1 << 20;
  only("log_disk", Verdict::Warn, 'A', "less than 1 GiB");
  patient.log_free_bytes.reset();
  put("/sys/class/block/sda2/queue/rotational", "1");
  only("log_disk", Verdict::Warn, 'A', "turns");
  remove("/sys/class/block/sda2/queue");  // as a partition has it: in the folder above
  put("/sys/class/block/queue/rotational", "0");
  fine();
  remove("/sys/class/block");
  only("log_disk", Verdict::Unknown);
  put("/proc/mounts", "/dev/sda1 / ext4 rw 0 0\ntmpfs /var/log tmpfs rw 0 0");
  only("log_disk", Verdict::Warn, 'A', "does not outlive");
  put("/proc/mounts", "/dev/sda1 / ext4 rw 0 0\nserver:/log /var/log nfs4 rw 0 0");
  only("log_disk", Verdict::Warn, 'A', "network");
  put("/proc/mounts", "/dev/sda1 /var/logs ext4 rw 0 0");  // another folder
  only("log_disk", Verdict::Unknown);
}

TEST(CliDoctorSystem, GradesFallWithEachFinding) {
  patient.lane_cpu = 3;
  put("/sys/devices/system/cpu/nohz_full", "");
  put("/proc/cmdline", "quiet");
  put("/proc/irq/default_smp_affinity", "f");
  put("/sys/devices/system/cpu/isolated", "");
  put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave");
  put("/proc/sys/kernel/sched_rt_runtime_us", "950000");
  put("/sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "0-3");
  put("/proc/sys/kernel/nmi_watchdog", "1");
  put("/proc/sys/net/core/busy_poll", "50");
  BYTES_EQUAL('B', mark());
  put("/proc/sys/kernel/osrelease", "5.10");
  put("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never");
  remove("/dev/cpu_dma_latency");
  remove("/dev/cpu");
  remove("/proc/101");
  thread(200, "irqbalance", 0);
  patient.io_uring = "no";
  BYTES_EQUAL('C', mark());
  remove("/dev/shm");
  put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet");
  patient.cards->front().wait_us = 50;
  patient.cards->front().gro = true;
  put("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2");
  remove("/proc/100");
  remove("/dev/vfio");
  patient.log_free_bytes = 0;
  patient.wake_up->worst_us = 50;
  BYTES_EQUAL('D', mark());  // by the weights: the lateness alone would be C
  LONGS_EQUAL(0, rise::cli::exit_code(rise::cli::examine(patient)));
  patient.may_use_fifo = false;
  BYTES_EQUAL('F', mark());
  LONGS_EQUAL(1, rise::cli::exit_code(rise::cli::examine(patient)));
  BYTES_EQUAL('F', rise::cli::grade({}, patient));
  LONGS_EQUAL(1, rise::cli::exit_code({}));
}

TEST(CliDoctorSystem, ListsOfCores) {
  using rise::cli::as_text;
  using rise::cli::cpu_list;
  STRCMP_EQUAL("0,1,2,5", as_text(cpu_list("0-2,5", 0)).c_str());
  STRCMP_EQUAL("3", as_text(cpu_list("managed_irq,domain,3", 7)).c_str());
  STRCMP_EQUAL("2,3", as_text(cpu_list("2-N", 3)).c_str());
  STRCMP_EQUAL("0,1", as_text(cpu_list("all", 1)).c_str());
  for (const char* none : {"", "(null)", "-", "3-", "-3", "a-b", "99999999999", "5-2"})
    STRCMP_EQUAL("", as_text(cpu_list(none, 3)).c_str());
  CHECK(cpu_list("0-99999999", 3).size() <= 4097);  // not a list to believe
  CHECK(rise::cli::mask_has("ff,00000000", 39));
  CHECK_FALSE(rise::cli::mask_has("ff,00000000", 40));
  CHECK_FALSE(rise::cli::mask_has("", 0));
}
