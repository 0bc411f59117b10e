// The two loops of the datagram bench, the same for every way of carrying datagrams: how many can
// be received, and how long one takes there and back. A way has
//
//     bool send(const std::uint8_t* bytes, std::uint32_t length)     to the peer
//     template <class F> void poll(F&& heard)                        heard(bytes, length)
//
// and spins: poll() looks once and never waits.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include <cstring>
#include <string>
#include <vector>

#include "bench/result.hpp"

namespace rise::bench {

inline constexpr std::uint32_t kBenchBytes = 64;

// Small real-time processes on either side of the pair: what else runs here must not decide.
inline void become_realtime(int cpu, int priority) {
  ::mlockall(MCL_CURRENT | MCL_FUTURE);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
  sched_param param{};
  param.sched_priority = priority;
  ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &param);
}

// A datagram begins with a letter, 'E' to be echoed, 'F' to be answered by a flood, 'N' for its
// end, and has a number behind it.
struct Message {
  char kind = 'E';
  char padding[7] = {};
  std::uint64_t number = 0;
  std::uint8_t rest[kBenchBytes - 16] = {};
};
static_assert(sizeof(Message) == kBenchBytes);

template <class Way>
bool send_message(Way* way, char kind, std::uint64_t number) {
  Message message;
  message.kind = kind;
  message.number = number;
  return way->send(reinterpret_cast<const std::uint8_t*>(&message), sizeof message);
}

inline bool as_message(const std::uint8_t* bytes, std::uint32_t length, Message* out) {
  if (length != sizeof *out) return false;
  std::memcpy(out, bytes, sizeof *out);
  return true;
}

template <class Way>
void measure_round_trip(Way* way, const std::string& name, std::int64_t duration_ns) {
  std::vector<std::int64_t> samples;
  samples.reserve(1 << 20);
  std::uint64_t lost = 0;
  const std::int64_t end = now_ns() + duration_ns;
  for (std::uint64_t number = 1; now_ns() < end && samples.size() < samples.capacity(); ++number) {
    const std::int64_t start = now_ns();
    send_message(way, 'E', number);
    bool back = false;
    while (!back && now_ns() - start < 50'000'000) {
      way->poll([&](const std::uint8_t* bytes, std::uint32_t length) {
        Message message;
        if (as_message(bytes, length, &message) && message.number == number) back = true;
      });
    }
    if (back) {
      samples.push_back(now_ns() - start);
    } else {
      ++lost;
    }
  }
  result((name + ".rtt.p50_us").c_str(), percentile(&samples, 0.5) / 1000, "us");
  result((name + ".rtt.p99_us").c_str(), percentile(&samples, 0.99) / 1000, "us");
  result((name + ".rtt.max_us").c_str(), percentile(&samples, 1) / 1000, "us");
  result((name + ".rtt.rounds").c_str(), static_cast<double>(samples.size()), "");
  result((name + ".rtt.lost").c_str(), static_cast<double>(lost), "");
}

template <class Way>
void measure_rate(Way* way, const std::string& name, std::int64_t duration_ns) {
  std::uint64_t got = 0;
  std::uint64_t sent = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t busy = 0;  // in polls that found something
  send_message(way, 'F', static_cast<std::uint64_t>(duration_ns));
  const std::int64_t limit = now_ns() + 3 * duration_ns + 1'000'000'000;
  while (sent == 0 && now_ns() < limit) {
    const std::uint64_t before = got;
    const std::int64_t start = now_ns();
    way->poll([&](const std::uint8_t* bytes, std::uint32_t length) {
      Message message;
      if (!as_message(bytes, length, &message)) return;
      if (message.kind == 'N') sent = message.number;
      if (message.kind == 'F') ++got;
    });
    if (got == before) continue;
    last = now_ns();
    busy += last - start;
    if (first == 0) first = start;
  }
  const double seconds = static_cast<double>(last - first) * 1e-9;
  result((name + ".rate_per_s").c_str(), got == 0 ? 0 : static_cast<double>(got) / seconds, "1/s");
  result((name + ".busy_ns_per_datagram").c_str(),
         got == 0 ? 0 : static_cast<double>(busy) / static_cast<double>(got), "ns");
  result((name + ".lost_percent").c_str(),
         sent == 0 ? 100 : 100 * (1 - static_cast<double>(got) / static_cast<double>(sent)), "%");
}

// name: what the figures are called.
template <class Way>
void measure(Way* way, const std::string& name, double seconds) {
  const auto duration = static_cast<std::int64_t>(seconds * 1e9);
  // Until both ends know each other's Ethernet address.
  for (bool known = false; !known;) {
    send_message(way, 'E', 0);
    const std::int64_t start = now_ns();
    while (!known && now_ns() - start < 20'000'000) {
      way->poll([&](const std::uint8_t*, std::uint32_t) { known = true; });
    }
  }
  measure_round_trip(way, name, duration);
  measure_rate(way, name, duration);
}

}  // namespace rise::bench
