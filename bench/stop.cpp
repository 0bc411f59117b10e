// From the stop word, and from a feed-hold command, to a control having the output that says so;
// and to the core telling that all controls have confirmed theirs: `rise stop` waits for that.
// All machines are on lane 0, armed before each stop, with R100 of the PMC as the safe output, set,
// and R101 as the feed hold; the first one's control is called "a". A sidecar runs beside.
//
// The simulated control and this program are ordinary processes: on a busy machine theirs is the
// larger part. The core's own is word_to_cycle, by its clock: to the begin of the cycle that obeys
// the word, and in which the outputs leave.
//
//   stop REGION CONTROL_SOCKET COUNT

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bench/result.hpp"
#include "rt_core/shm/commander.hpp"
#include "rt_core/shm/read_cell.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace {

using namespace rise;
using bench::now_ns;
using message::CommandKind;
using message::SafetyState;

constexpr std::int64_t kLimit_ns = 2'000'000'000;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "stop: %s\n", why.c_str());
  std::exit(1);
}

void pause_us(int us) { std::this_thread::sleep_for(std::chrono::microseconds(us)); }

// The simulated control, asked through its command socket: a question takes some 20 us.
class Control {
 public:
  explicit Control(const char* path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      give_up(std::string("no control at ") + path);
    const timeval patience{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Control() { ::close(fd_); }
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  bool is_set(const char* place) {
    const std::string answer = ask(std::string("get a pmc ") + place);
    if (!answer.starts_with("ok ")) give_up("the control does not tell: " + answer);
    return std::atof(answer.c_str() + 3) != 0;
  }
  void clear(const char* place) {
    const std::string answer = ask(std::string("set a pmc ") + place + " 0");
    if (!answer.starts_with("ok")) give_up("the control does not clear: " + answer);
  }

 private:
  std::string ask(const std::string& line) {
    const std::string text = line + "\n";
    if (::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
      give_up("the control does not listen");
    std::string answer;
    while (!answer.ends_with('\n')) {
      char buffer[256];
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0) give_up("the control does not answer");
      answer.append(buffer, static_cast<std::size_t>(n));
    }
    answer.pop_back();
    return answer;
  }

  int fd_;
};

class Lane {
 public:
  explicit Lane(const shm::Region& region) : region_(&region), commander_(region) {
    machines_ = region.table<message::MachineEntry>(shm::SectionKind::Machines).size();
  }

  void stop_word(std::uint64_t value) { commander_.set_stop_word(value); }
  void send(CommandKind kind) {
    shm::CommandRequest request;
    request.kind = kind;
    request.machine = shm::kWholeLane;
    request.approver = "bench:stop";
    if (commander_.send(0, request) == 0) give_up("the command ring is full");
  }
  // Starting, if just now it cannot be read: the writer may be held up in the middle of it.
  [[nodiscard]] message::MachineState state(std::size_t machine) const {
    message::MachineState state;
    if (!shm::read_cell(*region_, shm::SectionKind::States, machine, &state)) return {};
    return state;
  }
  [[nodiscard]] bool all(SafetyState wanted, bool confirmed = false) const {
    for (std::size_t i = 0; i < machines_; ++i) {
      const message::MachineState state = this->state(i);
      if (state.safety() != wanted || (confirmed && state.safe_confirmed() != 1)) return false;
    }
    return true;
  }
  // An arming is refused until everything is fresh, so it is asked for until it is granted.
  void arm() {
    const std::int64_t end_ns = now_ns() + 5 * kLimit_ns;
    while (!all(SafetyState::Armed)) {
      if (now_ns() > end_ns) give_up("the machines cannot be armed");
      send(CommandKind::Reset);
      send(CommandKind::Arm);
      pause_us(20'000);
    }
  }

 private:
  std::size_t machines_ = 0;
  const shm::Region* region_;
  shm::Commander commander_;
};

// The moment within the cycle, and within the sweep, is left to chance.
class Chance {
 public:
  void wait() { pause_us(some_us_(random_)); }

 private:
  std::mt19937 random_{1};
  std::uniform_int_distribution<int> some_us_{5'000, 25'000};
};

struct Times {
  std::vector<std::int64_t> cycle_ns;
  std::vector<std::int64_t> control_ns;
  std::vector<std::int64_t> confirmed_ns;
};

Times stops(Lane* lane, Control* control, int count) {
  Chance chance;
  Times times;
  for (int i = 0; i < count; ++i) {
    lane->arm();
    control->clear("R100");
    chance.wait();
    const std::int64_t start_ns = now_ns();
    lane->stop_word(1);
    std::int64_t cycle_ns = -1;
    std::int64_t control_ns = 0;
    std::int64_t confirmed_ns = 0;
    while (control_ns == 0 || confirmed_ns == 0) {
      const message::MachineState state = lane->state(0);
      // A cycle that had begun already when the word was set may obey it still.
      if (cycle_ns < 0 && state.safety() == SafetyState::Tripped)
        cycle_ns = std::max<std::int64_t>(0, state.mono_ns() - start_ns);
      if (control_ns == 0 && control->is_set("R100")) control_ns = now_ns() - start_ns;
      if (confirmed_ns == 0 && lane->all(SafetyState::Tripped, true))
        confirmed_ns = now_ns() - start_ns;
      if (now_ns() - start_ns > kLimit_ns) give_up("a stop has not reached the control");
    }
    lane->stop_word(0);
    times.cycle_ns.push_back(cycle_ns);
    times.control_ns.push_back(control_ns);
    times.confirmed_ns.push_back(confirmed_ns);
  }
  return times;
}

std::vector<std::int64_t> holds(Lane* lane, Control* control, int count) {
  Chance chance;
  std::vector<std::int64_t> times_ns;
  for (int i = 0; i < count; ++i) {
    control->clear("R101");
    chance.wait();
    const std::int64_t start_ns = now_ns();
    lane->send(CommandKind::FeedHold);
    while (!control->is_set("R101")) {
      if (now_ns() - start_ns > kLimit_ns) give_up("a feed hold has not reached the control");
    }
    times_ns.push_back(now_ns() - start_ns);
  }
  return times_ns;
}

void tell(const std::string& name, std::vector<std::int64_t>* times_ns) {
  constexpr double kMs = 1e6;
  bench::result((name + ".p50_ms").c_str(), bench::percentile(times_ns, 0.5) / kMs, "ms");
  bench::result((name + ".p99_ms").c_str(), bench::percentile(times_ns, 0.99) / kMs, "ms");
  bench::result((name + ".max_ms").c_str(), bench::percentile(times_ns, 1) / kMs, "ms");
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc == 4 ? std::atoi(argv[3]) : 0;
  if (count < 1) {
    std::fprintf(stderr, "usage: stop REGION CONTROL_SOCKET COUNT\n");
    return 64;
  }
  const auto region = shm::attach(argv[1], shm::Access::ReadWrite);
  if (!region) give_up(region.error());
  Control control(argv[2]);
  Lane lane(*region);
  Times times = stops(&lane, &control, count);
  std::vector<std::int64_t> held_ns = holds(&lane, &control, count);
  tell("stop.word_to_cycle", &times.cycle_ns);
  tell("stop.word_to_control", &times.control_ns);
  tell("stop.word_to_confirmed", &times.confirmed_ns);
  tell("stop.hold_to_control", &held_ns);
  bench::result("stop.count", count, "");
  return 0;
}
