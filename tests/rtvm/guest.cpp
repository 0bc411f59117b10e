// What the tests in the emulated machine measure with.
//
//     rtvm_guest measure REGION LABEL CYCLES
//         watches the first lane of a running core for so many cycles; prints lines
//         "cost LABEL WHAT FIGURE", see print_costs
//     rtvm_guest hog spin|calls PRIORITY BUSY_US PERIOD_US FOR_MS
//         takes the core for so long in each period: with arithmetic alone, or with datagrams to
//         itself through the kernel's network; at SCHED_FIFO, or with priority 0 as anybody
#include <arpa/inet.h>
#include <dirent.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "rt_core/cycle/flight.hpp"
#include "rt_core/monotonic.hpp"
#include "rt_core/shm/broadcast_ring.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace {

using namespace rise;
using cycle::Phase;

constexpr int kFault = 1;
constexpr int kBadUsage = 64;

void sleep_ns(std::int64_t ns) {
  const timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

// The folder in /proc of the first thread of a process whose name begins with "lane-".
std::string lane_folder(std::uint32_t process) {
  const std::string tasks = "/proc/" + std::to_string(process) + "/task/";
  DIR* list = ::opendir(tasks.c_str());
  if (list == nullptr) return {};
  std::string found;
  while (const dirent* entry = ::readdir(list)) {
    std::ifstream file(tasks + entry->d_name + "/comm");
    std::string name;
    if (found.empty() && std::getline(file, name) && name.starts_with("lane-")) {
      found = tasks + entry->d_name;
    }
  }
  ::closedir(list);
  return found;
}

// Time that a thread has had the processor, in user and kernel mode.
std::int64_t processor_ns(const std::string& folder) {
  std::ifstream file(folder + "/schedstat");
  std::int64_t ns = 0;
  file >> ns;
  return ns;
}

std::uint64_t samples_of(const shm::Region& region) {
  std::uint64_t sum = 0;
  for (const auto& health : region.table<message::DriverHealth>(shm::SectionKind::Drivers)) {
    sum += health.counters()->Get(
        static_cast<flatbuffers::uoffset_t>(message::DriverCounter::Samples));
  }
  return sum;
}

struct Costs {
  double cycles = 0;
  double phase_ns[cycle::kPhases] = {};
  double wake_ns = 0;
  double processor_ns = 0;
  std::int64_t wake_max_ns = 0;
  std::int64_t exchange_max_ns = 0;
  std::int64_t worst_ns = 0;
  std::uint64_t samples = 0;
  std::uint64_t lost = 0;
};

// wake       lateness of the release      step judge exchange publish   the phases
// rest       of the thread's time what is in no phase: accounts, the sleep, the switch to and from
//            another thread
// cycle      of the thread's time, for each cycle
// ...max     the longest; worst: the longest from release to the end of publish
// samples    that drivers have delivered
void print_costs(const char* label, const Costs& costs) {
  const auto print = [&](const char* what, double figure) {
    std::printf("cost %-12s %-12s %12.1f\n", label, what, figure);
  };
  const auto mean = [&](double sum) { return sum / costs.cycles; };
  const auto phase = [&](Phase which) { return costs.phase_ns[static_cast<std::size_t>(which)]; };
  double phases_ns = 0;
  for (const double ns : costs.phase_ns) phases_ns += ns;
  print("wake", mean(costs.wake_ns));
  print("step", mean(phase(Phase::Step)));
  print("judge", mean(phase(Phase::Judge)));
  print("exchange", mean(phase(Phase::Exchange)));
  print("publish", mean(phase(Phase::Publish)));
  print("rest", mean(costs.processor_ns - phases_ns));
  print("cycle", mean(costs.processor_ns));
  print("wake_max", static_cast<double>(costs.wake_max_ns));
  print("exchange_max", static_cast<double>(costs.exchange_max_ns));
  print("worst", static_cast<double>(costs.worst_ns));
  print("samples", static_cast<double>(costs.samples));
}

int measure(const char* name, const char* label, std::int64_t cycles) {
  auto region = shm::attach(name, shm::Access::ReadOnly);
  for (int i = 0; i < 200 && !region; ++i) {  // it may still be starting
    sleep_ns(20'000'000);
    region = shm::attach(name, shm::Access::ReadOnly);
  }
  const std::string lane = region ? lane_folder(region->core_pid()) : "";
  if (lane.empty()) {
    std::fprintf(stderr, "rtvm_guest: %s\n", region ? "no lane" : region.error().c_str());
    return kFault;
  }
  const auto lanes = region->table<message::CoreHealth>(shm::SectionKind::Lanes);
  shm::RingShape shape;
  const shm::Word* memory = region->ring(shm::SectionKind::Flight, 0, &shape);
  shm::BroadcastReader<> reader(memory, shape, 0);
  std::vector<shm::Word> record(shape.payload_words);

  reader.seek(reader.backlog());
  const std::uint64_t samples = samples_of(*region);
  const std::int64_t before_ns = processor_ns(lane);
  sleep_ns(cycles * static_cast<std::int64_t>(lanes[0].period_ns()));
  Costs costs;
  costs.processor_ns = static_cast<double>(processor_ns(lane) - before_ns);
  costs.samples = samples_of(*region) - samples;
  for (auto left = reader.backlog(); left > 0 && reader.next(record.data()); --left) {
    const cycle::CycleTimes times = cycle::decode_flight(record.data(), record.size()).times;
    const std::int64_t late_ns = times.wake_ns - times.deadline_ns;
    costs.cycles += 1;
    costs.wake_ns += static_cast<double>(late_ns);
    for (std::size_t i = 0; i < cycle::kPhases; ++i) {
      costs.phase_ns[i] += static_cast<double>(times.phase_ns[i]);
    }
    costs.wake_max_ns = std::max(costs.wake_max_ns, late_ns);
    costs.exchange_max_ns =
        std::max(costs.exchange_max_ns, times.phase_ns[static_cast<std::size_t>(Phase::Exchange)]);
    costs.worst_ns = std::max(costs.worst_ns, times.end_ns - times.wake_ns);
  }
  if (costs.cycles == 0 || reader.lost() != 0) {
    std::fprintf(stderr, "rtvm_guest: %s\n",
                 costs.cycles == 0 ? "the lane does not run" : "flight_cycles is too small");
    return kFault;
  }
  print_costs(label, costs);
  return 0;
}

void spin(std::int64_t end_ns) {
  while (monotonic_ns() < end_ns) {
  }
}

void call(int socket, const sockaddr_in& self, std::int64_t end_ns) {
  char bytes[1024] = {};
  while (monotonic_ns() < end_ns) {
    ::sendto(socket, bytes, sizeof bytes, 0, reinterpret_cast<const sockaddr*>(&self), sizeof self);
    ::recv(socket, bytes, sizeof bytes, MSG_DONTWAIT);
  }
}

int hog(bool calls, int priority, std::int64_t busy_ns, std::int64_t period_ns,
        std::int64_t for_ns) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in self{};
  self.sin_family = AF_INET;
  self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof self;
  if (::bind(socket, reinterpret_cast<sockaddr*>(&self), length) != 0 ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&self), &length) != 0 ||
      ::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    std::perror("rtvm_guest: hog");
    return kFault;
  }
  sched_param param{};
  param.sched_priority = priority;
  if (priority > 0 && ::sched_setscheduler(0, SCHED_FIFO, &param) != 0) {
    std::perror("rtvm_guest: SCHED_FIFO");
    return kFault;
  }
  const std::int64_t start_ns = monotonic_ns();
  for (std::int64_t at_ns = start_ns; at_ns < start_ns + for_ns; at_ns += period_ns) {
    if (calls) {
      call(socket, self, at_ns + busy_ns);
    } else {
      spin(at_ns + busy_ns);
    }
    const std::int64_t left_ns = at_ns + period_ns - monotonic_ns();
    if (left_ns > 0) sleep_ns(left_ns);
  }
  ::close(socket);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "measure" && argc == 5) return measure(argv[2], argv[3], std::atoll(argv[4]));
  if (verb == "hog" && argc == 7) {
    return hog(std::strcmp(argv[2], "calls") == 0, std::atoi(argv[3]), std::atoll(argv[4]) * 1000,
               std::atoll(argv[5]) * 1000, std::atoll(argv[6]) * 1'000'000);
  }
  std::fprintf(stderr, "usage: see tests/rtvm/guest.cpp\n");
  return kBadUsage;
}
