// The core as it is, with its lanes, its guard and whatever drivers a config names, but for one
// thing: the first lane's streams go over DPDK. For tests/integration/test_dpdk_tcp.py; ends with
// its standard input.
//
//     dpdk_focas CONFIG LIBRARY DEVICE ADDRESS
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "rt_core/core/core.hpp"
#include "rt_core/guard/in_cycle.hpp"
#include "rt_core/io/dpdk_port.hpp"

namespace {

using namespace rise;

int fail(const std::string& text) {
  std::fprintf(stderr, "dpdk_focas: %s\n", text.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return fail("see the head of tests/io/dpdk_focas.cpp");
  ::signal(SIGPIPE, SIG_IGN);
  std::ifstream file(argv[1]);
  std::stringstream text;
  text << file.rdbuf();
  std::vector<config::Problem> problems;
  plan::Plan plan = plan::make_plan(text.str(), plan::drivers_in(""), &problems);
  for (const config::Problem& problem : problems) {
    std::fprintf(stderr, "%s\n", config::to_string(problem, argv[1]).c_str());
  }
  if (!problems.empty()) return 1;
  const auto capacity =
      static_cast<std::uint32_t>(plan.machines.size()) * driver::Instance::kMaxStreams;
  const int cpu = plan.lanes[0].cpu;

  std::unique_ptr<io::DpdkPort> dpdk;  // outlives the core
  std::string fault;
  core::CoreOptions options;
  options.port = [&](std::uint32_t, const io::StreamSink& sink) {
    rise_dpdk_settings settings{};
    settings.device = argv[3];
    settings.address = argv[4];
    settings.lane_cpus = &cpu;
    settings.lane_cpu_count = cpu >= 0 ? 1 : 0;
    auto opened = io::DpdkPort::open(argv[2], settings, io::DatagramSink{});
    if (!opened) {
      fault = opened.error();
      return io::StreamPort{};
    }
    dpdk = std::move(*opened);
    auto streams = dpdk->streams(capacity, sink);
    if (!streams) fault = streams.error();
    return streams ? *streams : io::StreamPort{};
  };
  auto core = core::Core::make(std::move(plan), options);
  if (!fault.empty()) return fail(fault);
  if (!core) return fail(core.error());
  const Result<Done> started = (*core)->start();
  if (!started) return fail(started.error());
  for (const std::string& shortfall : (*core)->shortfalls()) {
    std::printf("shortfall %s\n", shortfall.c_str());
  }
  std::printf("ready %s\n", dpdk->description().c_str());
  std::fflush(stdout);
  char bytes[64];
  while (::read(STDIN_FILENO, bytes, sizeof bytes) > 0) {
  }
  (*core)->stop();
  std::printf("figures %s forbidden=%lu\n", dpdk->figures().c_str(),
              rise_guard_count != nullptr ? rise_guard_count() : 0);
  return 0;
}
