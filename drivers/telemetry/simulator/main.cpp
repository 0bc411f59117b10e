// sensorsim: simulated sensors that send datagrams over UDP.
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "config/schema/schema.hpp"
#include "config/schema/source.hpp"
#include "default_sensors.hpp"
#include "drivers/telemetry/simulator/options.hpp"
#include "drivers/telemetry/simulator/schedule.hpp"
#include "drivers/telemetry/simulator/sender.hpp"
#include "drivers/telemetry/simulator/settings.hpp"

namespace {

using namespace rise;
using namespace rise::sensorsim;

constexpr int kBadConfig = 2;
constexpr int kNoNetwork = 3;
constexpr int kUsageError = 64;
constexpr std::size_t kBatch = 64;  // datagrams made before they are sent

volatile sig_atomic_t stopping = 0;

// Without SA_RESTART: the sleep ends.
void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stopping = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

std::int64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void sleep_until(std::int64_t at_ns) {
  const timespec time{at_ns / 1'000'000'000, at_ns % 1'000'000'000};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

// False: the faults have been told.
bool load_config(const Options& options, Config* config) {
  const config::Source source =
      config::read_source(options.config, "config/sensors.toml (built-in)", kDefaultSensors);
  if (!source.fault.empty()) {
    std::fprintf(stderr, "sensorsim: %s\n", source.fault.c_str());
    return false;
  }
  std::vector<config::Problem> problems;
  const config::Document document = config::parse(source.text, &problems);
  if (problems.empty()) *config = read_config(document, &problems);
  if (!options.host.empty()) {
    config->host = options.host;
    config->port = options.port;
  }
  if (!options.source.empty()) config->source = options.source;
  config->duration_s = options.duration_s.value_or(config->duration_s);
  for (SensorSpec& sensor : config->sensors) sensor.seed += options.seed.value_or(0);
  return config::tell_problems(problems, source.name);
}

struct Run {
  double seconds = 0;
  std::int64_t latest_ns = 0;  // most behind schedule
};

Run play(const Options& options, const Config& config, Schedule* schedule, Sender* sender) {
  Run run;
  const std::int64_t start_ns = now_ns();
  const std::int64_t end_ns = config.duration_s > 0
                                  ? static_cast<std::int64_t>(config.duration_s * 1e9)
                                  : std::numeric_limits<std::int64_t>::max();
  std::uint64_t left = options.datagrams != 0 ? options.datagrams : ~std::uint64_t{0};
  std::vector<Packet> packets;
  while (stopping == 0 && left != 0) {
    // Schedule's time; with --speed it passes quicker than the clock.
    const std::int64_t due_ns = schedule->due_ns();
    const auto real_due_ns = static_cast<std::int64_t>(static_cast<double>(due_ns) / options.speed);
    std::int64_t now = now_ns() - start_ns;
    if (now >= end_ns) break;
    if (!options.fast && real_due_ns > now) {
      sleep_until(start_ns + std::min(real_due_ns, end_ns));
      continue;
    }
    if (!options.fast) run.latest_ns = std::max(run.latest_ns, now - real_due_ns);
    const auto until_ns = options.fast
                              ? std::numeric_limits<std::int64_t>::max()
                              : static_cast<std::int64_t>(static_cast<double>(now) * options.speed);
    packets.clear();
    left -= schedule->make(until_ns, std::min<std::uint64_t>(kBatch, left), &packets);
    sender->send(packets);
  }
  run.seconds = static_cast<double>(now_ns() - start_ns) / 1e9;
  return run;
}

void report(const Options& options, const Schedule& schedule, const SenderCounters& sent,
            const Run& run) {
  DeviceCounters total;
  for (const auto& device : schedule.devices()) {
    total.made += device->counters().made;
    total.samples += device->counters().samples;
    total.hits += device->counters().hits;
  }
  const auto n = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  if (options.json) {
    std::printf(
        "{\"seconds\": %.6f, \"made\": %llu, \"samples\": %llu, \"faults\": %llu, \"sent\": %llu, "
        "\"bytes\": %llu, \"refused\": %llu, \"calls\": %llu, \"latest_us\": %.1f}\n",
        run.seconds, n(total.made), n(total.samples), n(total.hits), n(sent.sent), n(sent.bytes),
        n(sent.refused), n(sent.calls), static_cast<double>(run.latest_ns) / 1e3);
  } else if (!options.quiet) {
    std::printf("sent %llu datagrams, %llu samples in %.3f s; %llu faults, %llu refused\n",
                n(sent.sent), n(total.samples), run.seconds, n(total.hits), n(sent.refused));
  }
}

int serve(const Options& options, const Config& config) {
  stop_on_signals();
  Sender sender;
  const std::string fault = sender.open(config.host, config.port, config.source);
  if (!fault.empty()) {
    std::fprintf(stderr, "sensorsim: %s\n", fault.c_str());
    return kNoNetwork;
  }
  Schedule schedule(config);
  if (!options.quiet) {
    std::printf("%zu sensors to %s:%u\n", config.sensors.size(), config.host.c_str(),
                static_cast<unsigned>(config.port));
    std::fflush(stdout);
  }
  const Run run = play(options, config, &schedule, &sender);
  report(options, schedule, sender.counters(), run);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::string fault;
  if (!parse_options(argc, argv, &options, &fault)) {
    std::fprintf(stderr, "sensorsim: %s\n%s", fault.c_str(), kUsage);
    return kUsageError;
  }
  if (options.help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (options.keys) {
    for (const rise_setting_spec& spec : setting_specs()) {
      std::printf("%s\n", config::describe(spec).c_str());
    }
    return 0;
  }
  Config config;
  if (!load_config(options, &config)) return kBadConfig;
  if (options.check) {
    if (!options.quiet) std::printf("ok: %zu sensors\n", config.sensors.size());
    return 0;
  }
  return serve(options, config);
}
