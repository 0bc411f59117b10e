#include "rt_core/guard/realtime.hpp"

#include <CppUTest/TestHarness.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "rt_core/cpu_list.hpp"
#include "rt_core/guard/in_cycle.hpp"
#include "tests/unit/support/child.hpp"
#include "tests/unit/support/skip.hpp"

using namespace rise::guard;
using namespace rise::test;

namespace {

int thread_id() { return static_cast<int>(::syscall(SYS_gettid)); }

std::string one_cpu_only() {
  return allowed_cpus().size() > 1 ? "" : "this process may use one core only";
}

}  // namespace

TEST_GROUP(GuardRealtime){};

TEST(GuardRealtime, PageFaultsOfAThreadAreCounted) {
  ThreadCounts before;
  ThreadCounts after;
  CHECK(read_thread_counts(thread_id(), &before));
  constexpr std::size_t kPages = 300;
  auto* memory = static_cast<volatile char*>(
      ::mmap(nullptr, kPages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ::madvise(const_cast<char*>(memory), kPages * 4096, MADV_NOHUGEPAGE);
  for (std::size_t i = 0; i < kPages; ++i) memory[i * 4096] = 1;
  CHECK(read_thread_counts(thread_id(), &after));
  ::munmap(const_cast<char*>(memory), kPages * 4096);
  CHECK(after.page_faults >= before.page_faults + kPages);
}

TEST(GuardRealtime, SleepsAreVoluntarySwitches) {
  ThreadCounts before;
  ThreadCounts after;
  CHECK(read_thread_counts(thread_id(), &before));
  for (int i = 0; i < 20; ++i) ::usleep(2000);
  CHECK(read_thread_counts(thread_id(), &after));
  // Not all: on a host that holds us up a sleep may be over before it has begun.
  CHECK(after.voluntary_switches >= before.voluntary_switches + 10);
  CHECK(after.involuntary_switches >= before.involuntary_switches);
}

TEST(GuardRealtime, AThreadThatDoesNotExistHasNoCounts) {
  ThreadCounts counts;
  counts.page_faults = 77;
  CHECK(!read_thread_counts(0, &counts));
  CHECK(!read_thread_counts(-1, &counts));
  CHECK(!read_thread_counts(999'999'999, &counts));
  LONGS_EQUAL(77, counts.page_faults);
}

TEST(GuardRealtime, AllowedCpusAreThoseOfTheKernel) {
  const std::vector<int> cpus = allowed_cpus();
  CHECK(!cpus.empty());
  CHECK(std::is_sorted(cpus.begin(), cpus.end()));
  cpu_set_t set;
  LONGS_EQUAL(0, ::sched_getaffinity(0, sizeof set, &set));
  LONGS_EQUAL(CPU_COUNT(&set), cpus.size());
  for (const int cpu : cpus) CHECK(CPU_ISSET(static_cast<std::size_t>(cpu), &set));
}

TEST(GuardRealtime, ListsOfCpusAreReadAsTheKernelWritesThem) {
  CHECK(rise::parse_cpu_list("").empty());
  CHECK(rise::parse_cpu_list("none").empty());
  CHECK((rise::parse_cpu_list("1-3,5\n") == std::vector<int>{1, 2, 3, 5}));
  CHECK(rise::parse_cpu_list("0-99999999").size() < 10'000);
  CHECK((rise::parse_cpu_list("7,") == std::vector<int>{7}));
}

TEST(GuardRealtime, ALaneMayHaveIsolatedCpusAndThoseLast) {
  const std::vector<int> before = allowed_cpus();
  const std::vector<int> cpus = lane_cpus();
  CHECK(allowed_cpus() == before);  // asking has moved nobody
  for (const int cpu : before) CHECK(std::find(cpus.begin(), cpus.end(), cpu) != cpus.end());
  const std::vector<int> isolated = rise::isolated_cpus();
  if (isolated.empty()) {
    CHECK(cpus == before);
  } else {
    LONGS_EQUAL(isolated.back(), cpus.back());
  }
}

TEST_WHEN(one_cpu_only(), GuardRealtime, AvoidedCpusAreLeft) {
  Child child([] {
    const std::vector<int> before = allowed_cpus();
    avoid_cpus({before.back(), 1000});
    const std::vector<int> after = allowed_cpus();
    return after == std::vector<int>(before.begin(), before.end() - 1) ? 0 : 1;
  });
  LONGS_EQUAL(0, child.status());
}

TEST(GuardRealtime, WhoWouldHaveNoCpuLeftKeepsAll) {
  Child child([] {
    const std::vector<int> before = allowed_cpus();
    avoid_cpus(before);
    if (allowed_cpus() != before) return 1;
    avoid_cpus({});
    return allowed_cpus() == before ? 0 : 2;
  });
  LONGS_EQUAL(0, child.status());
}

TEST(GuardRealtime, PinningLeavesOneCore) {
  Child child([] {
    const int cpu = allowed_cpus().back();
    if (!pin_to_cpu(cpu).empty()) return 1;
    return allowed_cpus() == std::vector<int>{cpu} ? 0 : 2;
  });
  LONGS_EQUAL(0, child.status());
}

TEST(GuardRealtime, ACoreThatDoesNotExistIsNamedWithARemedy) {
  Child child([] {
    const std::string missing = pin_to_cpu(1023);
    return missing.find("not pinned to cpu 1023") == 0 &&
                   missing.find("name a core that exists") != std::string::npos
               ? 0
               : 1;
  });
  LONGS_EQUAL(0, child.status());
}

TEST(GuardRealtime, FifoIsTakenOrItsAbsenceSaid) {
  Child child([] {
    const std::string missing = make_fifo(10);
    const int policy = ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    if (missing.empty()) return policy == SCHED_FIFO ? 0 : 1;
    return policy != SCHED_FIFO && missing.find("CAP_SYS_NICE") != std::string::npos ? 0 : 2;
  });
  LONGS_EQUAL(0, child.status());
}

TEST(GuardRealtime, APriorityThatCannotBeIsSaid) {
  Child child([] { return make_fifo(1000).find("SCHED_FIFO 1000") != std::string::npos ? 0 : 1; });
  LONGS_EQUAL(0, child.status());
}

TEST_WHEN(::geteuid() == 0 ? "" : "only root can become another user", GuardRealtime,
          WithoutPrivilegeEveryRefusalNamesItsRemedy) {
  Child child([] {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_MEMLOCK, &none);
    ::setrlimit(RLIMIT_RTPRIO, &none);
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
    if (make_fifo(10).find("ORDINARY SCHEDULING instead of SCHED_FIFO 10") != 0) return 2;
    int fd = -2;
    const std::string latency = hold_dma_latency(&fd);
    if (latency.find("/dev/cpu_dma_latency is not held") != 0 || fd != -1) return 3;
#if !defined(RISE_ASAN) && !defined(RISE_TSAN)  // these have their own mlockall
    const std::string memory = lock_memory();
    if (memory.find("grant CAP_IPC_LOCK or raise LimitMEMLOCK") == std::string::npos) return 4;
#endif
    return 0;
  });
  LONGS_EQUAL(0, child.status());
}

TEST(GuardRealtime, TheStackCanBePrefaulted) {
  ThreadCounts before;
  ThreadCounts after;
  prefault_stack();
  CHECK(read_thread_counts(thread_id(), &before));  // its own pages
  CHECK(read_thread_counts(thread_id(), &before));
  prefault_stack();  // touches nothing new
  CHECK(read_thread_counts(thread_id(), &after));
  CHECK(after.page_faults - before.page_faults < 32);  // 128 KiB are 32 pages
}

TEST(GuardRealtime, MarksOfACycleCostNothingWithoutTheGuard) {
  if (rise_guard_enter == nullptr) POINTERS_EQUAL(nullptr, rise_guard_count);
  const InCycle outer;
  const InCycle inner;
}
