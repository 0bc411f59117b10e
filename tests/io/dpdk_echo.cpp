// A lane in little, for tests: the DPDK port at work, one exchange per millisecond, told what to do
// by lines on its standard input.
//
//     dpdk_echo KEY=VALUE...
//         library= device= address= [gateway=] [vlan=] [neighbour=IP=MAC] [port=7000] [group=IP]
//         [memory_mib=] [hugepages=0|1|2] [lane_cpu=] [echo=1] [lock=1] [sin=1]
//
// Lines in:  send IP PORT TEXT | burst IP PORT COUNT | pause MS | figures | quit
// Lines out: ready DESCRIPTION, got PORT IP PORT LENGTH TEXT, sent RESULT..., figures ...
//
// With the guard library preloaded every exchange counts as a cycle: allocations in it are found.
// sin=1 allocates for each datagram, to prove that.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "rt_core/guard/in_cycle.hpp"
#include "rt_core/io/address_text.hpp"
#include "rt_core/io/dpdk_port.hpp"
#include "rt_core/monotonic.hpp"
#include "tests/io/told.hpp"

namespace {

using namespace rise;

struct Heard {
  std::uint32_t owner;
  rise_endpoint from;
  std::uint32_t length;
  char text[24];
};

struct Lane {
  io::DatagramPort port;
  bool echo = false;
  bool sin = false;
  bool talk = true;  // false while floods are counted
  std::uint64_t got = 0;
  std::uint64_t misaligned = 0;
  std::uint64_t got_in_exchange = 0;
  std::uint64_t most_in_exchange = 0;
  long faults = 0;           // page faults within exchanges
  std::vector<Heard> heard;  // said after the exchange: no printing in a cycle
};

void on_datagram(void* self, std::uint32_t owner, std::int32_t port, const rise_datagram& datagram,
                 std::int64_t) {
  Lane& lane = *static_cast<Lane*>(self);
  ++lane.got;
  ++lane.got_in_exchange;
  if (reinterpret_cast<std::uintptr_t>(datagram.bytes) % 8 != 0) ++lane.misaligned;
  if (lane.echo) {
    lane.port.send(lane.port.self, port, datagram.from, datagram.bytes, datagram.length);
  }
  if (lane.sin) {
    void* volatile memory = std::malloc(datagram.length + 1);  // volatile: not to be left out
    std::free(memory);
  }
  if (!lane.talk || lane.heard.size() == lane.heard.capacity()) return;
  Heard heard{owner, datagram.from, datagram.length, {}};
  std::copy_n(datagram.bytes, std::min<std::size_t>(datagram.length, sizeof heard.text),
              heard.text);
  lane.heard.push_back(heard);
}

void exchange(Lane* lane) {
  lane->got_in_exchange = 0;
  const long before = told::page_faults();
  {
    const guard::InCycle cycle;
    lane->port.exchange(lane->port.self, monotonic_ns());
  }
  lane->faults += told::page_faults() - before;
  lane->most_in_exchange = std::max(lane->most_in_exchange, lane->got_in_exchange);
  for (const Heard& heard : lane->heard) {
    const std::uint32_t from = heard.from.address;
    std::printf("got %u %u.%u.%u.%u %u %u ", heard.owner, from >> 24, from >> 16 & 255,
                from >> 8 & 255, from & 255, heard.from.port, heard.length);
    told::say_text(heard.text, std::min<std::size_t>(heard.length, sizeof heard.text));
  }
  if (!lane->heard.empty()) std::fflush(stdout);
  lane->heard.clear();
}

void say_figures(const Lane& lane, const io::DpdkPort& dpdk) {
  const io::DatagramCounters& c = *lane.port.counters;
  std::printf(
      "figures received=%llu sent=%llu dropped=%llu malformed=%llu send_queue_full=%llu "
      "send_failed=%llu got=%llu misaligned=%llu most_in_exchange=%llu faults=%ld %s\n",
      static_cast<unsigned long long>(c.received), static_cast<unsigned long long>(c.sent),
      static_cast<unsigned long long>(c.dropped), static_cast<unsigned long long>(c.malformed),
      static_cast<unsigned long long>(c.send_queue_full),
      static_cast<unsigned long long>(c.send_failed), static_cast<unsigned long long>(lane.got),
      static_cast<unsigned long long>(lane.misaligned),
      static_cast<unsigned long long>(lane.most_in_exchange), lane.faults, dpdk.figures().c_str());
}

// False: quit.
bool obey(const std::string& line, Lane* lane, const io::DpdkPort& dpdk) {
  std::istringstream words(line);
  std::string verb;
  words >> verb;
  if (verb == "send" || verb == "burst") {
    std::string host;
    std::string rest;
    rise_endpoint to{};
    words >> host >> to.port >> rest;
    io::parse_ipv4(host, &to.address);
    const int count = verb == "send" ? 1 : std::atoi(rest.c_str());
    const std::string text = verb == "send" ? rest : "burst";
    std::map<std::int32_t, int> results;
    for (int i = 0; i < count; ++i) {
      ++results[lane->port.send(lane->port.self, 0, to,
                                reinterpret_cast<const std::uint8_t*>(text.data()),
                                static_cast<std::uint32_t>(text.size()))];
    }
    std::printf("sent");
    for (const auto& [result, times] : results) std::printf(" %d:%d", result, times);
    std::printf("\n");
  } else if (verb == "pause") {  // a lane that is late: what arrives meanwhile has to wait
    int ms = 0;
    words >> ms;
    lane->talk = false;
    ::usleep(static_cast<unsigned>(ms) * 1000);
    std::printf("paused\n");
  } else if (verb == "figures") {
    say_figures(*lane, dpdk);
  }
  return verb != "quit";
}

std::string scheduling() {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::pthread_getaffinity_np(::pthread_self(), sizeof set, &set);
  sigset_t blocked;
  sigemptyset(&blocked);
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  std::string out = std::to_string(::sched_getscheduler(0)) + " cpus";
  for (std::size_t i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) out += " " + std::to_string(i);
  }
  out += " signals";
  for (int i = 1; i < 65; ++i) {
    struct sigaction action {};
    const bool handled = ::sigaction(i, nullptr, &action) == 0 && action.sa_handler != SIG_DFL;
    out += sigismember(&blocked, i) != 0 ? 'b' : handled ? 'h' : '-';
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  told::Options options(argc, argv);
  const told::DpdkSettings with(options);
  Lane lane;
  lane.echo = options.number("echo", 0) != 0;
  lane.sin = options.number("sin", 0) != 0;
  lane.heard.reserve(1024);
  const std::string before = scheduling();
  auto dpdk = io::DpdkPort::open(options["library"], with.settings, {&lane, on_datagram});
  if (!dpdk) return told::fail(dpdk.error());
  io::DatagramSpec spec;
  spec.port = static_cast<std::uint16_t>(options.number("port", 7000));
  io::parse_ipv4(options["group"], &spec.group);
  std::string error;
  if ((*dpdk)->declare(5, spec, &error) != 0) return told::fail(error);
  auto table = (*dpdk)->table();
  if (!table) return told::fail(table.error());
  lane.port = *table;
  if (!lane.port.start(lane.port.self)) return told::fail("the thread could not be registered");
  if (scheduling() != before) return told::fail("changed: " + before + " -> " + scheduling());
  if (options.number("lock", 0) != 0 && ::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    return told::fail("mlockall");
  }
  exchange(&lane);
  lane.faults = 0;  // of the first one, which meets code and stack for the first time
  told::run((*dpdk)->description(), 1000, [&] { exchange(&lane); },
            [&](const std::string& line) { return obey(line, &lane, **dpdk); });
  say_figures(lane, **dpdk);
  return 0;
}
