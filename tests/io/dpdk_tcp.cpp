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
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "bench/datagrams.hpp"
#include "rt_core/guard/in_cycle.hpp"
#include "rt_core/io/dpdk_port.hpp"
#include "rt_core/io/plain_port.hpp"
#include "rt_core/monotonic.hpp"
#include "tests/io/told.hpp"

namespace {

using namespace rise;

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

void say(const Lane& lane) {
  for (const Event& event : lane.events) {
    switch (event.kind) {
      case Event::Kind::Opened: std::printf("opened %d\n", event.stream); break;
      case Event::Kind::Closed: std::printf("closed %d %d\n", event.stream, event.number); break;
      case Event::Kind::Blasted: std::printf("blasted %d %d\n", event.stream, event.number); break;
      case Event::Kind::Got: {
        std::printf("got %d ", event.stream);
        told::say_text(event.text, std::min<std::size_t>(static_cast<std::size_t>(event.number),
                                                         sizeof event.text));
      }
    }
  }
  if (!lane.events.empty()) std::fflush(stdout);
}

void exchange(Lane* lane) {
  for (Stream& stream : lane->streams) stream.in_exchange = 0;
  const long before = told::page_faults();
  {
    const guard::InCycle cycle;
    const std::int64_t now = monotonic_ns();
    lane->port.exchange(lane->port.self, now);
    if (lane->datagrams.self != nullptr) lane->datagrams.exchange(lane->datagrams.self, now);
    for (std::size_t i = 0; i < kStreams; ++i) {
      if (lane->streams[i].to_send != 0) blast(lane, static_cast<std::int32_t>(i));
    }
  }
  lane->faults += told::page_faults() - before;
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
    const std::int64_t start = monotonic_ns();
    lane->port.send(lane->port.self, id, message.data(), bytes);
    lane->port.exchange(lane->port.self, monotonic_ns());
    while (stream.received < wanted && stream.open && monotonic_ns() - start < 5'000'000'000) {
      lane->port.exchange(lane->port.self, monotonic_ns());
    }
    samples.push_back(monotonic_ns() - start);
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
  return verb != "quit";
}

}  // namespace

int main(int argc, char** argv) {
  told::Options options(argc, argv);
  const told::DpdkSettings with(options);
  Lane lane;
  lane.sin = options.number("sin", 0) != 0;
  lane.events.reserve(4096);
  const io::StreamSink sink{&lane, on_open, on_bytes, on_closed};
  const auto capacity = static_cast<std::uint32_t>(options.number("capacity", 8));

  std::unique_ptr<io::DpdkPort> dpdk;
  std::unique_ptr<io::PlainPort> plain;
  std::string description = "plain sockets";
  if (options["port"] == "plain") {
    plain = std::make_unique<io::PlainPort>(capacity, sink);
    lane.port = plain->table();
  } else {
    auto opened = io::DpdkPort::open(options["library"], with.settings, {&lane, on_datagram});
    if (!opened) return told::fail(opened.error());
    dpdk = std::move(*opened);
    if (const int udp = options.number("datagrams", 0); udp != 0) {
      io::DatagramSpec spec;
      spec.port = static_cast<std::uint16_t>(udp);
      std::string error;
      if (dpdk->declare(5, spec, &error) < 0) return told::fail(error);
      auto table = dpdk->table();
      if (!table) return told::fail(table.error());
      lane.datagrams = *table;
    }
    auto streams = dpdk->streams(capacity, sink);
    if (!streams) return told::fail(streams.error());
    lane.port = *streams;
    if (options.number("twice", 0) != 0) {  // a second one must be refused
      auto again = dpdk->streams(capacity, sink);
      if (!again) return told::fail(again.error());
    }
    description = dpdk->description();
  }
  if (!lane.port.start(lane.port.self)) return told::fail("the port does not start");
  if (options.number("lock", 0) != 0 && ::mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
    return told::fail("mlockall");
  if (with.lane_cpu >= 0) bench::become_realtime(with.lane_cpu, 80);
  exchange(&lane);
  lane.faults = 0;  // of the first one, which meets code and stack for the first time
  told::run(
      description, static_cast<unsigned>(options.number("period_us", 1000)),
      [&] { exchange(&lane); },
      [&](const std::string& line) { return obey(line, &lane, dpdk.get()); });
  say_figures(lane, dpdk.get());
  return 0;
}
