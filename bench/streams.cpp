// Ways of carrying a TCP stream, side by side over one veth pair (bench/benches.py makes it): how
// long 64 bytes take to a kernel's echo server and back, one after the other. One process measures
// one way, because DPDK's environment can be made once only. All spin.
//
//     streams peer ADDRESS CPU                         the other end: echoes
//     streams WAY SECONDS CPU PEER [OURS LIBRARY DEVICE]
//
// Ways: kernel, a bare loop of send and recv; plain, uring, dpdk: our ports.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "bench/datagrams.hpp"
#include "rt_core/io/dpdk_port.hpp"
#include "rt_core/io/plain_port.hpp"
#include "rt_core/io/uring_port.hpp"

namespace {

using namespace rise;
using bench::now_ns;

constexpr std::uint16_t kPort = 7200;

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "streams: %s\n", text.c_str());
  std::exit(1);
}

sockaddr_in address_of(const char* text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  if (::inet_pton(AF_INET, text, &address.sin_addr) != 1) fail("not an IPv4 address");
  return address;
}

void no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// ---- the other end: one connection after the other

int serve(const char* text, int cpu) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = address_of(text);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 8) != 0) {
    fail("cannot listen");
  }
  bench::become_realtime(cpu, 79);
  std::printf("ready\n");
  std::fflush(stdout);
  for (;;) {
    const int fd = ::accept(listener, nullptr, nullptr);
    no_delay(fd);
    std::uint8_t bytes[4096];
    for (ssize_t got; (got = ::recv(fd, bytes, sizeof bytes, 0)) > 0;) {
      if (::send(fd, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) break;
    }
    ::close(fd);
  }
}

// ---- ways

class Kernel {
 public:
  explicit Kernel(const char* peer) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in address = address_of(peer);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      fail("the peer cannot be reached");
    }
    no_delay(fd_);
  }
  ~Kernel() { ::close(fd_); }
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  bool send(const std::uint8_t* bytes, std::uint32_t length) const {
    return ::send(fd_, bytes, length, MSG_DONTWAIT) == static_cast<ssize_t>(length);
  }
  template <class F>
  void poll(F&& heard) {
    std::uint8_t bytes[4096];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0) heard(bytes, static_cast<std::uint32_t>(got));
  }

 private:
  int fd_;
};

// Any StreamPort.
class Ported {
 public:
  io::StreamSink sink() {
    io::StreamSink out;
    out.self = this;
    out.on_open = [](void* self, std::uint32_t, std::int32_t, std::int64_t) {
      static_cast<Ported*>(self)->open_ = true;
    };
    out.on_bytes = [](void* self, std::uint32_t, std::int32_t, const std::uint8_t* bytes,
                      std::uint32_t length, std::int64_t) {
      auto& me = *static_cast<Ported*>(self);
      if (me.heard_ != nullptr) me.heard_(me.context_, bytes, length);
    };
    out.on_closed = [](void*, std::uint32_t, std::int32_t, std::int32_t, std::int64_t) {
      fail("the stream was closed");
    };
    return out;
  }
  void use(const io::StreamPort& port, const char* peer) {
    port_ = port;
    if (!port_.start(port_.self)) fail("the port does not start");
    stream_ = port_.open(port_.self, 0, peer, kPort, 3000);
    while (!open_) port_.exchange(port_.self, now_ns());
  }
  bool send(const std::uint8_t* bytes, std::uint32_t length) {
    return port_.send(port_.self, stream_, bytes, length) == RISE_OK;  // leaves with the next poll
  }
  template <class F>
  void poll(F&& heard) {
    context_ = &heard;
    heard_ = [](void* context, const std::uint8_t* bytes, std::uint32_t length) {
      (*static_cast<std::remove_reference_t<F>*>(context))(bytes, length);
    };
    port_.exchange(port_.self, now_ns());
    heard_ = nullptr;  // nothing is heard outside an exchange
  }

 private:
  io::StreamPort port_;
  std::int32_t stream_ = -1;
  bool open_ = false;
  void* context_ = nullptr;
  void (*heard_)(void*, const std::uint8_t*, std::uint32_t) = nullptr;
};

template <class Way>
void measure(Way* way, const std::string& name, double seconds, int cpu) {
  bench::become_realtime(cpu, 80);
  bench::measure_round_trip(way, "streams." + name, static_cast<std::int64_t>(seconds * 1e9));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "peer") return serve(argv[2], std::atoi(argv[3]));
  if (argc < 5) fail("see the head of bench/streams.cpp");
  const std::string way = argv[1];
  const double seconds = std::atof(argv[2]);
  const int cpu = std::atoi(argv[3]);
  const char* peer = argv[4];
  Ported ported;
  if (way == "kernel") {
    Kernel kernel(peer);
    measure(&kernel, way, seconds, cpu);
  } else if (way == "plain") {
    io::PlainPort port(1, ported.sink());
    ported.use(port.table(), peer);
    measure(&ported, way, seconds, cpu);
  } else if (way == "uring") {
    io::UringPort port(1, ported.sink());
    if (!port.usable()) fail(port.description());
    ported.use(port.table(), peer);
    measure(&ported, way, seconds, cpu);
  } else if (way == "dpdk" && argc == 8) {
    const std::string address = std::string(argv[5]) + "/24";
    rise_dpdk_settings settings{};
    settings.device = argv[7];
    settings.address = address.c_str();
    settings.lane_cpus = &cpu;
    settings.lane_cpu_count = 1;
    auto opened = io::DpdkPort::open(argv[6], settings, {});
    if (!opened) fail(opened.error());
    auto streams = (*opened)->streams(1, ported.sink());
    if (!streams) fail(streams.error());
    ported.use(*streams, peer);
    measure(&ported, way, seconds, cpu);
  } else {
    fail("no such way: " + way);
  }
  return 0;
}
