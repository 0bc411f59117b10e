// The bus within one process, on one core: messages of 256 bytes to 10 consumers, on wildcard
// topics. How many per second when somebody takes them as fast as they come; how long one takes
// from publish() to its consumers' handlers when 100 000 come per second.
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "bench/result.hpp"
#include "plugins/bus/bus.hpp"
#include "plugins/host/thread_pool.hpp"

namespace {

using namespace rise;
using bench::now_ns;

constexpr std::size_t kPayloadBytes = 256;
constexpr int kMachines = 50;
constexpr int kSignals = 20;
constexpr std::int64_t kRate = 100'000;  // messages per second, for the latency

// Ten that each message reaches, by patterns of all kinds.
constexpr const char* kPatterns[] = {"#",       "telemetry/#",  "telemetry/+/#",   "telemetry/+/+",
                                     "+/+/+",   "+/#",          "telemetry/+/+/#", "+/+/#",
                                     "+/+/+/#", "telemetry/+/+"};

std::vector<std::string> topics() {
  std::vector<std::string> out;
  for (int machine = 0; machine < kMachines; ++machine) {
    for (int signal = 0; signal < kSignals; ++signal) {
      out.push_back("telemetry/mill-" + std::to_string(machine) + "/signal-" +
                    std::to_string(signal));
    }
  }
  return out;
}

bus::Message message(const std::string& topic) {
  bus::Message out;
  out.topic = topic;
  out.source = "bench";
  out.type = static_cast<std::uint16_t>(bus::MessageType::Telemetry);
  out.payload.assign(kPayloadBytes, 'x');
  return out;
}

// The calling thread stays on one core as long as this lives.
class OneCore {
 public:
  OneCore() {
    ::pthread_getaffinity_np(::pthread_self(), sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
    ::pthread_setaffinity_np(::pthread_self(), sizeof one, &one);
  }
  ~OneCore() { ::pthread_setaffinity_np(::pthread_self(), sizeof before_, &before_); }
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;

 private:
  cpu_set_t before_{};
};

// -> messages per second; *errors: deliveries that were not made.
double throughput(std::int64_t messages, std::uint64_t* errors) {
  bus::Bus bus({});
  std::vector<bus::Consumer> consumers;
  for (std::size_t i = 0; i < std::size(kPatterns); ++i) {
    bus::SubscribeOptions options;
    options.name = "consumer-" + std::to_string(i);
    options.pattern = kPatterns[i];
    consumers.push_back(bus.subscribe(options));
  }
  const std::vector<std::string> names = topics();
  std::vector<bus::MessagePtr> taken;
  std::uint64_t received = 0;
  const std::int64_t start = now_ns();
  for (std::int64_t i = 0; i < messages; ++i) {
    (void)bus.publish(message(names[static_cast<std::size_t>(i) % names.size()]));
    if (i % 256 != 255 && i + 1 != messages) continue;
    for (bus::Consumer& consumer : consumers) {
      taken.clear();
      received += consumer.take(1024, &taken);
    }
  }
  const double seconds = static_cast<double>(now_ns() - start) / 1e9;
  *errors = static_cast<std::uint64_t>(messages) * std::size(kPatterns) - received;
  return static_cast<double>(messages) / seconds;
}

// From publish() to each handler, on a thread of its own, at a steady rate. -> ns of all deliveries
std::vector<std::int64_t> latency(std::int64_t messages, std::uint64_t* errors) {
  std::vector<std::vector<std::int64_t>> samples(std::size(kPatterns));
  for (auto& of_one : samples) of_one.reserve(static_cast<std::size_t>(messages));
  host::ThreadPool pool({1, "bus", {}});
  {
    bus::BusOptions bus_options;
    bus_options.post = [&](std::function<void()> task) { pool.post(std::move(task)); };
    bus::Bus bus(bus_options);
    std::vector<bus::Consumer> consumers;
    for (std::size_t i = 0; i < std::size(kPatterns); ++i) {
      bus::SubscribeOptions options;
      options.name = "consumer-" + std::to_string(i);
      options.pattern = kPatterns[i];
      options.limits.messages.fill(100'000);
      options.handler = [&samples, i](const bus::MessagePtr& m) {
        std::int64_t sent_ns = 0;
        std::memcpy(&sent_ns, m->payload.data(), sizeof sent_ns);
        samples[i].push_back(now_ns() - sent_ns);
      };
      consumers.push_back(bus.subscribe(options));
    }
    const std::vector<std::string> names = topics();
    const std::int64_t start = now_ns();
    for (std::int64_t i = 0; i < messages; ++i) {
      const std::int64_t due = start + i * (1'000'000'000 / kRate);
      while (now_ns() < due) std::this_thread::yield();
      bus::Message m = message(names[static_cast<std::size_t>(i) % names.size()]);
      const std::int64_t sent_ns = now_ns();
      std::memcpy(m.payload.data(), &sent_ns, sizeof sent_ns);
      (void)bus.publish(std::move(m));
    }
    pool.wait_idle();
  }
  std::vector<std::int64_t> all;
  for (const auto& of_one : samples) all.insert(all.end(), of_one.begin(), of_one.end());
  *errors = static_cast<std::uint64_t>(messages) * std::size(kPatterns) - all.size();
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const bool full = argc > 1 && std::string(argv[1]) == "full";
  std::uint64_t errors = 0;
  double rate = 0;
  {
    const OneCore one_core;
    (void)throughput(50'000, &errors);  // memory is there
    rate = throughput(full ? 5'000'000 : 1'000'000, &errors);
  }
  bench::result("bus.routed.messages_per_s", rate, "/s");
  bench::result("bus.routed.errors", static_cast<double>(errors), "");
  // Rounds of a second, and of them the middle one: a host that holds both threads up for ten
  // milliseconds has spoilt the 99th percentile of that second, and says nothing of the bus. The
  // worst round is told, too.
  std::vector<std::int64_t> p50;
  std::vector<std::int64_t> p99;
  std::uint64_t all_errors = 0;
  for (int round = 0; round < (full ? 15 : 5); ++round) {
    std::vector<std::int64_t> samples = latency(kRate, &errors);
    p50.push_back(static_cast<std::int64_t>(bench::percentile(&samples, 0.5)));
    p99.push_back(static_cast<std::int64_t>(bench::percentile(&samples, 0.99)));
    all_errors += errors;
  }
  bench::result("bus.latency.p50_us", bench::percentile(&p50, 0.5) / 1000, "us");
  bench::result("bus.latency.p99_us", bench::percentile(&p99, 0.5) / 1000, "us");
  bench::result("bus.latency.p99_worst_round_us", bench::percentile(&p99, 1) / 1000, "us");
  bench::result("bus.latency.errors", static_cast<double>(all_errors), "");
}
