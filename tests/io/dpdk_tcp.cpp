// A lane in little, for tests and benches of TCP over DPDK: one exchange per millisecond, told what
// to do by lines on its standard input. The same over the kernel's sockets, to compare.
//
//     dpdk_tcp KEY=VALUE...
//         port=dpdk|plain [library= device= address=] [gateway=] [neighbour=IP=MAC] [capacity=8]
//         [datagrams=PORT] [lane_cpu=] [lock=1] [sin=1] [twice=1] [period_us=1000]
//
// Lines in:  open IP PORT [TIMEOUT_MS] | send STREAM TEXT | blast STREAM BYTES | expect STREAM
//            close STREAM | trip STREAM BYTES COUNT | pause MS | figures | quit
// Lines out: ready TEXT, opening STREAM|CODE, opened STREAM, sent CODE, got STREAM TEXT,
//            closed STREAM REASON, blasted STREAM BYTES, trip COUNT P50 P99 MAX (us), figures ...
//
// expect: from now on what STREAM gets is compared with the pattern that blast sends, not said.
// sin=1 allocates for each piece that has arrived, to prove that the preloaded guard sees it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "bench/datagrams.hpp"
#include "rt_core/guard/in_cycle.hpp"
#include "rt_core/io/dpdk_port.hpp"
#include "rt_core/io/plain_port.hpp"

namespace {

using namespace rise;

std::int64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::uint8_t pattern(std::uint64_t at) { return static_cast<std::uint8_t>(at * 31 % 251); }

constexpr std::size_t kStreams = 256;
constexpr std::uint64_t kPiece = 4096;

struct Stream {
  bool open = false;
  bool expecting = false;
  std::uint64_t to_send = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t wrong = 0;
  std::uint64_t in_exchange = 0;
};

struct Event {
  enum class Kind { Opened, Got, Closed, Blasted } kind;
  std::int32_t stream;
  std::int32_t number;
  char text[32];
};

struct Lane {
  io::StreamPort port;
  io::DatagramPort datagrams;
  bool sin = false;
  long faults = 0;  // page faults within exchanges
  std::uint64_t exchanges = 0;
  std::uint64_t most_in_exchange = 0;  // bytes of one stream
  std::uint64_t datagrams_got = 0;
  std::vector<Stream> streams = std::vector<Stream>(kStreams);
  std::vector<Event> events;  // said after the exchange: no printing in a cycle

  Stream& at(std::int32_t stream) { return streams.at(static_cast<std::size_t>(stream)); }
  void note(Event::Kind kind, std::int32_t stream, std::int32_t number = 0) {
    if (events.size() < events.capacity()) events.push_back({kind, stream, number, {}});
  }
};

void on_open(void* self, std::uint32_t, std::int32_t stream, std::int64_t) {
  Lane& lane = *static_cast<Lane*>(self);
  lane.at(stream) = Stream{};
  lane.at(stream).open = true;
  lane.note(Event::Kind::Opened, stream);
}

void on_bytes(void* self, std::uint32_t, std::int32_t id, const std::uint8_t* bytes,
              std::uint32_t length, std::int64_t) {
  Lane& lane = *static_cast<Lane*>(self);
  Stream& stream = lane.at(id);
  if (stream.expecting) {
    for (std::uint32_t i = 0; i < length; ++i) {
      if (bytes[i] != pattern(stream.received + i)) ++stream.wrong;
    }
  } else {
    lane.note(Event::Kind::Got, id, static_cast<std::int32_t>(length));
    Event& event = lane.events.back();
    std::copy_n(bytes, std::min<std::size_t>(length, sizeof event.text), event.text);
  }
  stream.received += length;
  stream.in_exchange += length;
  if (lane.sin) {
    void* volatile memory = std::malloc(length + 1);  // volatile: not to be left out
    std::free(memory);
  }
}

void on_closed(void* self, std::uint32_t, std::int32_t stream, std::int32_t reason, std::int64_t) {
  Lane& lane = *static_cast<Lane*>(self);
  lane.at(stream).open = false;
  lane.note(Event::Kind::Closed, stream, reason);
}

void on_datagram(void* self, std::uint32_t, std::int32_t port, const rise_datagram& datagram,
                 std::int64_t) {
  Lane& lane = *static_cast<Lane*>(self);
  ++lane.datagrams_got;
  lane.datagrams.send(lane.datagrams.self, port, datagram.from, datagram.bytes, datagram.length);
}

// What a driver does that has a lot to send: as much as is taken, each cycle.
void blast(Lane* lane, std::int32_t id) {
  Stream& stream = lane->at(id);
  while (stream.open && stream.sent < stream.to_send) {
    std::uint8_t piece[kPiece];
    const std::uint64_t length = std::min(kPiece, stream.to_send - stream.sent);
    for (std::uint64_t i = 0; i < length; ++i) piece[i] = pattern(stream.sent + i);
    if (lane->port.send(lane->port.self, id, piece, static_cast<std::uint32_t>(length)) !=
        RISE_OK) {
      return;
    }
    stream.sent += length;
    if (stream.sent == stream.to_send) {
      lane->note(Event::Kind::Blasted, id, static_cast<std::int32_t>(stream.sent));
    }
  }
}

long page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

void say(const Lane& lane) {
  for (const Event& event : lane.events) {
    switch (event.kind) {
      case Event::Kind::Opened: std::printf("opened %d\n", event.stream); break;
      case Event::Kind::Closed: std::printf("closed %d %d\n", event.stream, event.number); break;
      case Event::Kind::Blasted: std::printf("blasted %d %d\n", event.stream, event.number); break;
      case Event::Kind::Got: {
        std::printf("got %d ", event.stream);
        const auto length =
            std::min<std::size_t>(static_cast<std::size_t>(event.number), sizeof event.text);
        for (std::size_t i = 0; i < length; ++i) {
          std::putchar(std::isgraph(static_cast<unsigned char>(event.text[i])) != 0 ? event.text[i]
                                                                                    : '.');
        }
        std::putchar('\n');
      }
    }
  }
  if (!lane.events.empty()) std::fflush(stdout);
}

void exchange(Lane* lane) {
  for (Stream& stream : lane->streams) stream.in_exchange = 0;
  const long before = page_faults();
  {
    const guard::InCycle cycle;
    const std::int64_t now = now_ns();
    lane->port.exchange(lane->port.self, now);
    if (lane->datagrams.self != nullptr) lane->datagrams.exchange(lane->datagrams.self, now);
    for (std::size_t i = 0; i < kStreams; ++i) {
      if (lane->streams[i].to_send != 0) blast(lane, static_cast<std::int32_t>(i));
    }
  }
  lane->faults += page_faults() - before;
  ++lane->exchanges;
  for (const Stream& stream : lane->streams) {
    lane->most_in_exchange = std::max(lane->most_in_exchange, stream.in_exchange);
  }
  say(*lane);
  lane->events.clear();
}

// Round trips, one after the other, spinning: bench.
void trip(Lane* lane, std::int32_t id, std::uint32_t bytes, int count) {
  std::vector<std::int64_t> samples;
  samples.reserve(static_cast<std::size_t>(count));
  const std::vector<std::uint8_t> message(bytes, 'x');
  Stream& stream = lane->at(id);
  stream.expecting = true;
  for (int i = 0; i < count && stream.open; ++i) {
    const std::uint64_t wanted = stream.received + bytes;
    const std::int64_t start = now_ns();
    lane->port.send(lane->port.self, id, message.data(), bytes);
    lane->port.exchange(lane->port.self, now_ns());
    while (stream.received < wanted && stream.open && now_ns() - start < 5'000'000'000) {
      lane->port.exchange(lane->port.self, now_ns());
    }
    samples.push_back(now_ns() - start);
  }
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double part) {
    const auto last = static_cast<double>(samples.size() - 1);
    return samples.empty()
               ? 0.0
               : static_cast<double>(samples[static_cast<std::size_t>(last * part)]) / 1000;
  };
  std::printf("trip %zu %.1f %.1f %.1f\n", samples.size(), at(0.5), at(0.99), at(1));
}

void say_figures(const Lane& lane, const io::DpdkPort* dpdk) {
  const io::PortCounters& c = *lane.port.counters;
  std::uint64_t received = 0;
  std::uint64_t wrong = 0;
  for (const Stream& stream : lane.streams) {
    received += stream.received;
    wrong += stream.wrong;
  }
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "figures opened=%llu failed=%llu bytes_sent=%llu bytes_received=%llu send_queue_full=%llu "
      "got=%llu wrong=%llu most_in_exchange=%llu datagrams=%llu exchanges=%llu faults=%ld %s\n",
      number(c.opened), number(c.failed), number(c.bytes_sent), number(c.bytes_received),
      number(c.send_queue_full), number(received), number(wrong), number(lane.most_in_exchange),
      number(lane.datagrams_got), number(lane.exchanges), lane.faults,
      dpdk != nullptr ? dpdk->figures().c_str() : "");
}

// False: quit.
bool obey(const std::string& line, Lane* lane, const io::DpdkPort* dpdk) {
  std::istringstream words(line);
  std::string verb;
  words >> verb;
  const io::StreamPort& port = lane->port;
  if (verb == "open") {
    std::string host;
    std::uint16_t number = 0;
    std::uint32_t timeout_ms = 3000;
    words >> host >> number;
    if (!(words >> timeout_ms)) timeout_ms = 3000;
    std::printf("opening %d\n", port.open(port.self, 5, host.c_str(), number, timeout_ms));
    std::fflush(stdout);
    return true;
  }
  std::int32_t stream = 0;
  words >> stream;
  if (verb == "send") {
    std::string text;
    words >> text;
    std::printf("sent %d\n",
                port.send(port.self, stream, reinterpret_cast<const std::uint8_t*>(text.data()),
                          static_cast<std::uint32_t>(text.size())));
  } else if (verb == "blast") {
    words >> lane->at(stream).to_send;
    lane->at(stream).sent = 0;
  } else if (verb == "expect") {
    lane->at(stream).expecting = true;
  } else if (verb == "close") {
    std::printf("sent %d\n", port.close(port.self, stream));
  } else if (verb == "trip") {
    std::uint32_t bytes = 64;
    int count = 1;
    words >> bytes >> count;
    trip(lane, stream, bytes, count);
  } else if (verb == "pause") {  // a lane that is late: what arrives meanwhile has to wait
    ::usleep(static_cast<unsigned>(stream) * 1000);
    std::printf("paused\n");
  } else if (verb == "figures") {
    say_figures(*lane, dpdk);
  }
  std::fflush(stdout);
  return verb != "quit";
}

int fail(const std::string& text) {
  std::printf("error %s\n", text.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    options[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  }
  const auto number = [&](const char* key, int otherwise) {
    return options.count(key) != 0 ? std::atoi(options[key].c_str()) : otherwise;
  };
  Lane lane;
  lane.sin = number("sin", 0) != 0;
  lane.events.reserve(4096);
  const io::StreamSink sink{&lane, on_open, on_bytes, on_closed};
  const auto capacity = static_cast<std::uint32_t>(number("capacity", 8));
  const int lane_cpu = number("lane_cpu", -1);

  std::unique_ptr<io::DpdkPort> dpdk;
  std::unique_ptr<io::PlainPort> plain;
  std::string description = "plain sockets";
  if (options["port"] == "plain") {
    plain = std::make_unique<io::PlainPort>(capacity, sink);
    lane.port = plain->table();
  } else {
    rise_dpdk_settings settings{};
    settings.device = options["device"].c_str();
    settings.address = options["address"].c_str();
    settings.gateway = options["gateway"].c_str();
    settings.lane_cpus = &lane_cpu;
    settings.lane_cpu_count = lane_cpu >= 0 ? 1 : 0;
    const std::string known = options["neighbour"];
    const std::string address = known.substr(0, known.find('='));
    const std::string mac = known.substr(known.find('=') + 1);
    const rise_dpdk_neighbour neighbour{address.c_str(), mac.c_str()};
    settings.neighbours = &neighbour;
    settings.neighbour_count = known.empty() ? 0 : 1;
    auto opened = io::DpdkPort::open(options["library"], settings, {&lane, on_datagram});
    if (!opened) return fail(opened.error());
    dpdk = std::move(*opened);
    if (const int udp = number("datagrams", 0); udp != 0) {
      io::DatagramSpec spec;
      spec.port = static_cast<std::uint16_t>(udp);
      std::string error;
      if (dpdk->declare(5, spec, &error) < 0) return fail(error);
      auto table = dpdk->table();
      if (!table) return fail(table.error());
      lane.datagrams = *table;
    }
    auto streams = dpdk->streams(capacity, sink);
    if (!streams) return fail(streams.error());
    lane.port = *streams;
    if (number("twice", 0) != 0) {  // a second one must be refused
      auto again = dpdk->streams(capacity, sink);
      if (!again) return fail(again.error());
    }
    description = dpdk->description();
  }
  if (!lane.port.start(lane.port.self)) return fail("the port does not start");
  if (number("lock", 0) != 0 && ::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) return fail("mlockall");
  if (lane_cpu >= 0) bench::become_realtime(lane_cpu, 80);
  exchange(&lane);
  lane.faults = 0;  // of the first one, which meets code and stack for the first time
  std::printf("ready %s\n", description.c_str());
  std::fflush(stdout);

  ::fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  const auto period_us = static_cast<unsigned>(number("period_us", 1000));
  std::string input;
  for (bool on = true; on;) {
    ::usleep(period_us);
    exchange(&lane);
    char bytes[512];
    const ssize_t got = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (got == 0) break;  // whoever has started us is gone
    if (got > 0) input.append(bytes, static_cast<std::size_t>(got));
    for (std::size_t end; on && (end = input.find('\n')) != std::string::npos;) {
      on = obey(input.substr(0, end), &lane, dpdk.get());
      input.erase(0, end + 1);
    }
  }
  say_figures(lane, dpdk.get());
  return 0;
}
