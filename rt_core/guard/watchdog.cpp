#include "rt_core/guard/watchdog.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "rt_core/guard/realtime.hpp"

namespace rise::guard {

namespace {

// It runs above all lanes, if on another core: more often than this is not worth its time.
constexpr std::int64_t kShortestLook_ns = 250'000;

std::int64_t read_clock(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) return 0;
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// The CPU-time clock of a thread of this process, by the kernel's encoding of its number.
std::int64_t cpu_time(int thread_id) {
  constexpr int kPerThread = 4;
  constexpr int kScheduler = 2;
  return read_clock((~static_cast<clockid_t>(thread_id) << 3) | kPerThread | kScheduler);
}

// True: the thread waits for something, so it is not for want of a core that it does not go on.
bool sleeps(int thread_id) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread_id);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[256];
  const ssize_t length = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (length <= 0) return false;
  text[length] = '\0';
  const char* name_end = std::strrchr(text, ')');
  return name_end != nullptr && name_end[1] == ' ' && (name_end[2] == 'S' || name_end[2] == 'D');
}

}  // namespace

void Watchdog::watch(CallMonitor* monitor, const Limit& limit) {
  watched_.push_back({monitor, limit});
}

std::string Watchdog::start(const Spec& spec) {
  spec_ = spec;
  const bool choose = spec_.look_ns == 0;
  if (choose) spec_.look_ns = 100'000'000;
  urgent_look_ns_ = spec_.look_ns;
  for (const Watched& watched : watched_) {
    // Four looks (two, of the urgent limit) are a little more than the limit: else the last one
    // comes a moment too early, and the next is a whole look too late.
    const Limit& limit = watched.limit;
    const std::int64_t look_ns = limit.usual_ns / 4 + limit.usual_ns / 100;
    if (choose) spec_.look_ns = std::min(spec_.look_ns, look_ns);
    if (limit.urgent_ns == 0) continue;
    urgent_look_ns_ = std::min(urgent_look_ns_, limit.urgent_ns / 2 + limit.urgent_ns / 100);
  }
  spec_.look_ns = std::max(spec_.look_ns, kShortestLook_ns);
  urgent_look_ns_ = std::clamp(urgent_look_ns_, kShortestLook_ns, spec_.look_ns);
  if (::pthread_create(&thread_, nullptr, &Watchdog::thread, this) != 0) {
    return "no watchdog: its thread cannot be made; an endless loop in a driver holds its lane";
  }
  started_ = true;
  if (spec_.priority == 0) return {};
  sched_param parameters{};
  parameters.sched_priority = spec_.priority;
  const int rc = ::pthread_setschedparam(thread_, SCHED_FIFO, &parameters);
  return rc == 0 ? ""
                 : std::string("the watchdog has ordinary priority: ") + std::strerror(rc) +
                       "; an endless loop in a driver may be broken late";
}

void Watchdog::stop() {
  if (!started_) return;
  stop_.store(true, std::memory_order_relaxed);
  ::pthread_join(thread_, nullptr);
  started_ = false;
}

void* Watchdog::thread(void* self) {
  ::pthread_setname_np(::pthread_self(), "watchdog");
  static_cast<Watchdog*>(self)->run();
  return nullptr;
}

void Watchdog::run() {
  std::int64_t next_ns = read_clock(CLOCK_MONOTONIC);
  while (!stop_.load(std::memory_order_relaxed)) {
    const std::int64_t now_ns = read_clock(CLOCK_MONOTONIC);
    bool any_urgent = false;
    for (Watched& watched : watched_) {
      const bool urgent = is_urgent(watched);
      any_urgent = any_urgent || urgent;
      look(&watched, urgent, now_ns);
    }
    // Woken early: the look that was due still is.
    if (!woken_) next_ns = std::max(next_ns + spec_.look_ns, now_ns);
    if (any_urgent) next_ns = std::min(next_ns, now_ns + urgent_look_ns_);
    wait_until(next_ns);
  }
}

void Watchdog::wait_until(std::int64_t time_ns) {
  const timespec until{time_ns / 1'000'000'000, time_ns % 1'000'000'000};
  // Anybody who maps the word may wake us, also in a loop: after a wait that ended early, the next
  // one cannot. So that we look at most twice as often as without it.
  if (spec_.urgent_word != nullptr && !woken_) {
    // FUTEX_WAIT_BITSET, because its time is absolute. Not FUTEX_PRIVATE: others share the word.
    const long rc = ::syscall(SYS_futex, spec_.urgent_word, FUTEX_WAIT_BITSET, 0, &until, nullptr,
                              FUTEX_BITSET_MATCH_ANY);
    const int error = rc == 0 ? 0 : errno;
    // EAGAIN: it was set just before. Then we look, and if it stays set sleep as below.
    woken_ = error == 0 || error == EAGAIN;
    if (woken_ || error == ETIMEDOUT) return;
    // Its memory is gone: without sleeping we would hold the core.
  }
  woken_ = false;
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

bool Watchdog::is_urgent(const Watched& watched) {
  return watched.limit.urgent_ns > 0 && watched.limit.urgent(watched.limit.self);
}

void Watchdog::look(Watched* watched, bool urgent, std::int64_t now_ns) {
  CallMonitor& monitor = *watched->monitor;
  // Acquire: pairs with the thread's registration.
  const int thread_id = monitor.thread_id.load(std::memory_order_acquire);
  const std::uint64_t sequence = monitor.sequence.load(std::memory_order_relaxed);
  if (thread_id == 0 || sequence % 2 == 0 || sequence != watched->sequence) {
    watched->sequence = sequence;
    watched->since_ns = now_ns;
    watched->cpu_ns = thread_id == 0 || sequence % 2 == 0 ? 0 : cpu_time(thread_id);
    watched->told = false;
    return;
  }
  const Limit& limit = watched->limit;
  const std::int64_t limit_ns = urgent ? std::min(limit.urgent_ns, limit.usual_ns) : limit.usual_ns;
  if (now_ns - watched->since_ns < limit_ns) return;
  const bool ran = cpu_time(thread_id) - watched->cpu_ns >= limit_ns / 2;
  if (!ran && !sleeps(thread_id)) return;
  monitor.break_sequence.store(sequence, std::memory_order_relaxed);
  ::syscall(SYS_tgkill, ::getpid(), thread_id, break_signal());
  if (!watched->told) broken_off_.fetch_add(1, std::memory_order_relaxed);
  watched->told = true;  // the signal is sent again at each look until the call has ended
}

}  // namespace rise::guard
