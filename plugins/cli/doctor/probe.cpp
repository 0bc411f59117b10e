// What no file tells about this machine: it is tried.
#include <liburing.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "plugins/cli/doctor/checks.hpp"
#include "plugins/cli/doctor/look.hpp"
#include "rt_core/cpu_list.hpp"

namespace rise::cli {

namespace {

void probe_io_uring(Patient* patient) {
  struct io_uring ring {};
  io_uring_params params{};
  params.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  const int rc = ::io_uring_queue_init_params(8, &ring, &params);
  if (rc < 0) {
    patient->io_uring = std::string("not usable: ") + std::strerror(-rc);
    return;
  }
  ::io_uring_queue_exit(&ring);
  patient->io_uring = "";
  char features[32];
  std::snprintf(features, sizeof features, "features 0x%x", params.features);
  patient->io_uring_features = features;
}

// Tried, not derived from rights: security modules and control groups have a say, too.
bool probe_fifo() {
  sched_param param{};
  param.sched_priority = 1;
  const bool allowed = ::sched_setscheduler(0, SCHED_FIFO, &param) == 0;
  param.sched_priority = 0;
  ::sched_setscheduler(0, SCHED_OTHER, &param);
  return allowed;
}

template <typename Value>
bool ask(int socket, const std::string& name, Value* value) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(value);
  return ::ioctl(socket, SIOCETHTOOL, &request) == 0;
}

std::vector<NetworkCard> probe_cards(const Patient& patient) {
  std::vector<NetworkCard> cards;
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return cards;
  for (const std::string& name :
       names_in(patient, "/sys/class/net").value_or(std::vector<std::string>{})) {
    NetworkCard card;
    card.name = name;
    ethtool_coalesce coalesce{};
    coalesce.cmd = ETHTOOL_GCOALESCE;
    if (ask(socket, name, &coalesce)) {
      card.adaptive = coalesce.use_adaptive_rx_coalesce != 0;
      card.wait_us = coalesce.rx_coalesce_usecs;
    }
    ethtool_value value{};
    value.cmd = ETHTOOL_GGRO;
    if (ask(socket, name, &value)) card.gro = value.data != 0;
    value = {};
    value.cmd = ETHTOOL_GFLAGS;
    if (ask(socket, name, &value)) card.lro = (value.data & ETH_FLAG_LRO) != 0;
    cards.push_back(card);
  }
  ::close(socket);
  return cards;
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// The quickest of several batches: what the clock itself costs, without what interrupted us.
double probe_clock_read_ns() {
  constexpr int kReads = 1000;
  double best = 1e9;
  for (int batch = 0; batch < 20; ++batch) {
    const std::int64_t begin = now_ns();
    for (int i = 0; i < kReads; ++i) now_ns();
    best = std::min(best, static_cast<double>(now_ns() - begin) / kReads);
  }
  return best;
}

}  // namespace

Patient this_machine() {
  Patient patient;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    for (const int cpu : isolated_cpus()) {  // in nobody's affinity, but a lane may have them
      if (cpu < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(cpu), &set);
    }
    patient.cpus = CPU_COUNT(&set);
  }
  patient.may_use_fifo = probe_fifo();
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  patient.may_lock_memory = ::geteuid() == 0 || limit.rlim_cur >= (256u << 20);
  probe_io_uring(&patient);
  patient.cards = probe_cards(patient);
  timex clock{};  // no mode bits: nothing is set
  patient.clock_disciplined = ::adjtimex(&clock) >= 0 && (clock.status & STA_UNSYNC) == 0;
  struct statvfs disk {};
  if (::statvfs("/var/log", &disk) == 0)
    patient.log_free_bytes = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  patient.clock_read_ns = probe_clock_read_ns();
  return patient;
}

WakeUp measure_wake_up(int cpu, int seconds) {
  constexpr std::int64_t kPeriod_ns = 1'000'000;
  WakeUp result;
  result.seconds = seconds;
  cpu_set_t before;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(cpu), &only);
  ::sched_getaffinity(0, sizeof before, &before);
  ::sched_setaffinity(0, sizeof only, &only);
  const Patient here;
  const std::uint64_t interrupts = interrupts_served(here, cpu);
  sched_param param{};
  param.sched_priority = 80;
  result.fifo = ::sched_setscheduler(0, SCHED_FIFO, &param) == 0;
  const std::int64_t cycles = static_cast<std::int64_t>(seconds) * 1'000'000'000 / kPeriod_ns;
  std::int64_t next = now_ns() + kPeriod_ns;
  std::int64_t sum = 0;
  std::int64_t worst = 0;
  for (std::int64_t i = 0; i < cycles; ++i) {
    const timespec until{next / 1'000'000'000, next % 1'000'000'000};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
    }
    const std::int64_t late = now_ns() - next;
    sum += late;
    worst = std::max(worst, late);
    next += kPeriod_ns;
    // One long delay counts once, not once for each cycle that it has swallowed.
    if (late > kPeriod_ns) next = now_ns() + kPeriod_ns;
  }
  param.sched_priority = 0;
  ::sched_setscheduler(0, SCHED_OTHER, &param);
  result.interrupts = interrupts_served(here, cpu) - interrupts;
  ::sched_setaffinity(0, sizeof before, &before);
  result.average_us = static_cast<double>(sum) / static_cast<double>(cycles) / 1000;
  result.worst_us = static_cast<double>(worst) / 1000;
  return result;
}

}  // namespace rise::cli
