// Ways of carrying datagrams, side by side over one veth pair (bench/benches.py makes it). One
// process measures one way, because DPDK's environment can be made once only.
//
//     datagrams peer ADDRESS CPU                         the other end: echoes, floods when asked
//     datagrams WAY SECONDS CPU OURS PEER [LIBRARY DEVICE]
//
// Ways: recvmmsg, multishot: bare loops of the kernel's best. plain, uring, dpdk: our ports.
// The bare DPDK loop is a program of its own: bench/dpdk/bare.cpp.
#include <arpa/inet.h>
#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "bench/datagrams.hpp"
#include "rt_core/io/address_text.hpp"
#include "rt_core/io/datagram_socket.hpp"
#include "rt_core/io/dpdk_port.hpp"
#include "rt_core/io/plain_datagrams.hpp"
#include "rt_core/io/uring_datagrams.hpp"
#include "rt_core/io/uring_port.hpp"

namespace {

using namespace rise;
using bench::Message;
using bench::now_ns;

constexpr std::uint16_t kPeerPort = 7000;
// One for each way: the kernel takes down a ring, and with it its socket, after its process ended.
std::uint16_t our_port = 7100;
constexpr std::uint32_t kReceiveBytes = 4 << 20;

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "datagrams: %s\n", text.c_str());
  std::exit(1);
}

std::uint32_t address_of(const char* text) {
  std::uint32_t address = 0;
  if (!io::parse_ipv4(text, &address)) fail(std::string("not an IPv4 address: ") + text);
  return address;
}

int make_socket(std::uint32_t address, std::uint16_t port) {
  std::string error;
  const int fd = io::make_datagram_socket({address, 0, port}, kReceiveBytes, &error);
  if (fd < 0) fail(error);
  return fd;
}

// ---- the other end

void flood(int fd, const sockaddr_in& to, std::int64_t duration_ns) {
  constexpr unsigned kBatch = 32;
  static Message messages[kBatch];
  mmsghdr headers[kBatch] = {};
  iovec vectors[kBatch];
  sockaddr_in target = to;
  for (unsigned i = 0; i < kBatch; ++i) {
    messages[i].kind = 'F';
    vectors[i] = {&messages[i], sizeof messages[i]};
    headers[i].msg_hdr.msg_name = &target;
    headers[i].msg_hdr.msg_namelen = sizeof target;
    headers[i].msg_hdr.msg_iov = &vectors[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  std::uint64_t sent = 0;
  for (const std::int64_t end = now_ns() + duration_ns; now_ns() < end;) {
    const int count = ::sendmmsg(fd, headers, kBatch, 0);
    if (count > 0) sent += static_cast<std::uint64_t>(count);
  }
  messages[0].kind = 'N';
  messages[0].number = sent;
  for (int i = 0; i < 3; ++i) {  // one of them will find room
    ::usleep(20'000);
    ::sendmmsg(fd, headers, 1, 0);
  }
}

int serve(const char* address, int cpu) {
  const int fd = make_socket(address_of(address), kPeerPort);
  ::fcntl(fd, F_SETFL, 0);  // blocking
  bench::become_realtime(cpu, 79);
  std::printf("ready\n");
  std::fflush(stdout);
  for (;;) {
    Message message;
    sockaddr_in from{};
    socklen_t bytes = sizeof from;
    const ssize_t got =
        ::recvfrom(fd, &message, sizeof message, 0, reinterpret_cast<sockaddr*>(&from), &bytes);
    if (got != sizeof message) continue;
    if (message.kind == 'F') {
      flood(fd, from, static_cast<std::int64_t>(message.number));
    } else {
      ::sendto(fd, &message, sizeof message, 0, reinterpret_cast<sockaddr*>(&from), bytes);
    }
  }
}

// ---- bare loops

// What all kernel sockets share: a connected sender.
struct Socket {
  Socket(std::uint32_t ours, std::uint32_t peer) : fd(make_socket(ours, our_port)) {
    const sockaddr_in to = io::to_kernel({peer, kPeerPort, 0});
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail("connect");
  }
  ~Socket() { ::close(fd); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  bool send(const std::uint8_t* bytes, std::uint32_t length) const {
    return ::send(fd, bytes, length, MSG_DONTWAIT) == static_cast<ssize_t>(length);
  }
  int fd;
};

class Recvmmsg : public Socket {
 public:
  Recvmmsg(std::uint32_t ours, std::uint32_t peer) : Socket(ours, peer) {
    for (unsigned i = 0; i < kBatch; ++i) {
      vectors_[i] = {buffers_[i], sizeof buffers_[i]};
      headers_[i].msg_hdr.msg_iov = &vectors_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  template <class F>
  void poll(F&& heard) {
    const int count = ::recvmmsg(fd, headers_, kBatch, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < count; ++i) heard(buffers_[i], headers_[i].msg_len);
  }

 private:
  static constexpr unsigned kBatch = 64;
  alignas(64) std::uint8_t buffers_[kBatch][1536];
  iovec vectors_[kBatch];
  mmsghdr headers_[kBatch] = {};
};

class Multishot : public Socket {
 public:
  Multishot(std::uint32_t ours, std::uint32_t peer) : Socket(ours, peer) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    params.cq_entries = 2 * kBuffers;
    if (::io_uring_queue_init_params(64, &ring_, &params) < 0) fail("io_uring is not usable here");
    memory_.resize(std::size_t{kBuffers} * kBytes);
    void* shared = nullptr;
    if (::posix_memalign(&shared, 4096, kBuffers * sizeof(io_uring_buf)) != 0) fail("memory");
    buffers_ = static_cast<io_uring_buf_ring*>(shared);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(buffers_);
    registration.ring_entries = kBuffers;
    if (::io_uring_register_buf_ring(&ring_, &registration, 0) < 0) fail("no buffer ring");
    ::io_uring_buf_ring_init(buffers_);
    for (unsigned i = 0; i < kBuffers; ++i) give(i, static_cast<int>(i));
    ::io_uring_buf_ring_advance(buffers_, kBuffers);
    arm();
  }
  ~Multishot() {
    ::io_uring_queue_exit(&ring_);
    std::free(buffers_);
  }
  template <class F>
  void poll(F&& heard) {
    ::io_uring_submit_and_get_events(&ring_);
    io_uring_cqe* cqe = nullptr;
    unsigned head = 0;
    int seen = 0;
    bool again = false;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      if ((cqe->flags & IORING_CQE_F_BUFFER) != 0) {
        const unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        auto* out =
            ::io_uring_recvmsg_validate(&memory_[std::size_t{buffer} * kBytes], cqe->res, &header_);
        if (out != nullptr) {
          heard(static_cast<const std::uint8_t*>(::io_uring_recvmsg_payload(out, &header_)),
                ::io_uring_recvmsg_payload_length(out, cqe->res, &header_));
        }
        give(buffer, seen);
      }
      again = again || (cqe->flags & IORING_CQE_F_MORE) == 0;
      ++seen;
    }
    if (seen == 0) return;
    ::io_uring_buf_ring_cq_advance(&ring_, buffers_, seen);
    if (again) arm();
  }

 private:
  static constexpr unsigned kBuffers = 4096;
  static constexpr unsigned kBytes = 2048;
  void give(unsigned buffer, int offset) {
    ::io_uring_buf_ring_add(buffers_, &memory_[std::size_t{buffer} * kBytes], kBytes,
                            static_cast<unsigned short>(buffer), static_cast<int>(kBuffers - 1),
                            offset);
  }
  void arm() {
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_recvmsg_multishot(entry, fd, &header_, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
  }

  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  std::vector<std::uint8_t> memory_;
  msghdr header_{};
};

// ---- our ports

// Any DatagramPort. `step`: what has to be called once per cycle.
class Ported {
 public:
  static void on_datagram(void* self, std::uint32_t, std::int32_t, const rise_datagram& datagram,
                          std::int64_t) {
    auto& me = *static_cast<Ported*>(self);
    me.heard_(me.context_, datagram.bytes, datagram.length);
  }
  io::DatagramSink sink() { return {this, on_datagram}; }
  void use(const io::DatagramPort& port, const io::StreamPort& streams, std::uint32_t peer) {
    port_ = port;
    streams_ = streams;
    to_ = {peer, kPeerPort, 0};
    if (!port_.start(port_.self)) fail("the port does not start");
    if (streams_.self != nullptr && !streams_.start(streams_.self)) fail("the ring does not start");
  }
  bool send(const std::uint8_t* bytes, std::uint32_t length) {
    if (port_.send(port_.self, 0, to_, bytes, length) != RISE_OK) return false;
    poll([](const std::uint8_t*, std::uint32_t) {});
    return true;
  }
  template <class F>
  void poll(F&& heard) {
    context_ = &heard;
    heard_ = [](void* context, const std::uint8_t* bytes, std::uint32_t length) {
      (*static_cast<std::remove_reference_t<F>*>(context))(bytes, length);
    };
    const std::int64_t now = now_ns();
    port_.exchange(port_.self, now);
    if (streams_.self != nullptr) streams_.exchange(streams_.self, now);
    context_ = nullptr;  // nothing is heard outside an exchange
  }

 private:
  io::DatagramPort port_;
  io::StreamPort streams_;
  rise_endpoint to_{};
  void* context_ = nullptr;
  void (*heard_)(void*, const std::uint8_t*, std::uint32_t) = nullptr;
};

void check(std::int32_t number, const std::string& error) {
  if (number != 0) fail(error);
}

struct Arguments {
  std::string way;
  double seconds = 1;
  int cpu = 0;
  std::uint32_t ours = 0;
  std::uint32_t peer = 0;
  const char* library = nullptr;
  const char* device = nullptr;
  const char* ours_text = nullptr;
};

void run_port(const Arguments& given) {
  Ported way;
  std::string error;
  const io::DatagramSpec spec{given.ours, 0, our_port};
  std::unique_ptr<io::PlainDatagrams> plain;
  std::unique_ptr<io::UringDatagrams> datagrams;
  std::unique_ptr<io::UringPort> uring;
  std::unique_ptr<io::DpdkPort> dpdk;
  if (given.way == "plain") {
    plain = std::make_unique<io::PlainDatagrams>(way.sink());
    check(plain->declare(0, spec, &error), error);
    way.use(plain->table(), {}, given.peer);
  } else if (given.way == "uring") {
    datagrams = std::make_unique<io::UringDatagrams>(way.sink());
    check(datagrams->declare(0, spec, &error), error);
    uring = std::make_unique<io::UringPort>(4, io::StreamSink{}, datagrams.get());
    if (!uring->usable()) fail(uring->description());
    way.use(datagrams->table(), uring->table(), given.peer);
  } else {
    const std::string address = std::string(given.ours_text) + "/24";
    rise_dpdk_settings settings{};
    settings.device = given.device;
    settings.address = address.c_str();
    settings.lane_cpus = &given.cpu;
    settings.lane_cpu_count = 1;
    auto opened = io::DpdkPort::open(given.library, settings, way.sink());
    if (!opened) fail(opened.error());
    dpdk = std::move(*opened);
    check(dpdk->declare(0, spec, &error), error);
    auto table = dpdk->table();
    if (!table) fail(table.error());
    way.use(*table, {}, given.peer);
  }
  bench::become_realtime(given.cpu, 80);
  bench::measure(&way, "datagrams." + given.way, given.seconds);
}

template <class Way>
void run_bare(const Arguments& given) {
  auto way = std::make_unique<Way>(given.ours, given.peer);
  bench::become_realtime(given.cpu, 80);
  bench::measure(way.get(), "datagrams." + given.way, given.seconds);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "peer") return serve(argv[2], std::atoi(argv[3]));
  if (argc < 6) fail("see the head of bench/datagrams.cpp");
  Arguments given;
  given.way = argv[1];
  given.seconds = std::atof(argv[2]);
  given.cpu = std::atoi(argv[3]);
  given.ours_text = argv[4];
  given.ours = address_of(argv[4]);
  given.peer = address_of(argv[5]);
  if (argc > 7) {
    given.library = argv[6];
    given.device = argv[7];
  }
  for (const char* way : {"recvmmsg", "plain", "multishot", "uring", "dpdk"}) {
    ++our_port;
    if (given.way == way) break;
  }
  if (given.way == "recvmmsg") {
    run_bare<Recvmmsg>(given);
  } else if (given.way == "multishot") {
    run_bare<Multishot>(given);
  } else if (given.way == "plain" || given.way == "uring" ||
             (given.way == "dpdk" && given.library != nullptr)) {
    run_port(given);
  } else {
    fail("no such way: " + given.way);
  }
  return 0;
}
