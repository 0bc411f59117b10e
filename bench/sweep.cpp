// One sweep of 22 items over the FOCAS wire in three ways, with the same blocking client on the
// same control: a call per item as ordinary clients do it, packed as the proven limits allow, and
// packed into one frame. usage: sweep HOST PORT SECONDS LABEL

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/focas_items.hpp"
#include "bench/result.hpp"
#include "drivers/focas/wire/frame.hpp"

namespace {

using namespace rise;
using namespace rise::focas::wire;
using bench::Item;
using bench::items;
using bench::now_ns;

class Client {
 public:
  bool connect(const char* host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (::inet_pton(AF_INET, host, &address.sin_addr) != 1) return false;
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
    FrameWriter writer(out_, kClientVersion, FrameType::OpenRequest);
    writer.add_u16(2);
    return exchange(writer.finish()) && frame_.header.type == FrameType::OpenReply;
  }
  // -> blocks that were answered with status 0, or -1.
  int ask(const Item* first, std::size_t count) {
    FrameWriter writer(out_, kClientVersion, FrameType::DataRequest);
    for (std::size_t i = 0; i < count; ++i) writer.add(first[i].block);
    if (!exchange(writer.finish()) || frame_.header.type != FrameType::DataReply) return -1;
    ReplyReader reader(frame_.body);
    ReplyBlock block;
    int good = 0;
    while (reader.next(&block)) good += block.status == Status::Ok ? 1 : 0;
    return reader.fault() == Fault::None ? good : -1;
  }
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  bool exchange(Bytes request) {
    if (::send(fd_, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size()))
      return false;
    if (!receive(0, kHeaderBytes)) return false;
    if (read_header(Bytes(in_, kHeaderBytes), &frame_.header) != Fault::None) return false;
    if (kHeaderBytes + frame_.header.length > sizeof in_) return false;
    frame_.body = Bytes(in_ + kHeaderBytes, frame_.header.length);
    return receive(kHeaderBytes, frame_.header.length);
  }
  bool receive(std::size_t at, std::size_t bytes) {
    while (bytes > 0) {
      const ssize_t n = ::recv(fd_, in_ + at, bytes, 0);
      if (n <= 0) return false;
      at += static_cast<std::size_t>(n);
      bytes -= static_cast<std::size_t>(n);
    }
    return true;
  }
  int fd_ = -1;
  std::uint8_t out_[8192];
  std::uint8_t in_[8192];
  Frame frame_;
};

// The items cut into frames: first fit in order is enough here.
std::vector<std::size_t> pack(const std::vector<Item>& list, std::size_t blocks,
                              std::size_t bytes) {
  std::vector<std::size_t> sizes;
  std::size_t used = bytes + 1;
  for (const Item& item : list) {
    const std::size_t need = kReplyBlockBytes + item.reply_bytes;
    if (sizes.empty() || sizes.back() == blocks || used + need > bytes) {
      sizes.push_back(0);
      used = kHeaderBytes + 2;
    }
    ++sizes.back();
    used += need;
  }
  return sizes;
}

void run(Client* client, const std::string& name, const std::vector<Item>& list,
         const std::vector<std::size_t>& frames, double seconds) {
  std::vector<std::int64_t> samples;
  const std::int64_t start = now_ns();
  const std::int64_t end = start + static_cast<std::int64_t>(seconds * 1e9);
  std::int64_t now = start;
  while (now < end) {
    std::size_t at = 0;
    int good = 0;
    for (const std::size_t count : frames) {
      const int answered = client->ask(list.data() + at, count);
      if (answered < 0) {
        std::fprintf(stderr, "sweep: the control's reply was not understood\n");
        std::exit(1);
      }
      good += answered;
      at += count;
    }
    if (good != static_cast<int>(list.size())) {
      std::fprintf(stderr, "sweep: only %d of %zu items were answered\n", good, list.size());
      std::exit(1);
    }
    const std::int64_t then = now;
    now = now_ns();
    samples.push_back(now - then);
  }
  const double rate =
      static_cast<double>(samples.size()) / (static_cast<double>(now - start) * 1e-9);
  bench::result((name + ".round_trips").c_str(), static_cast<double>(frames.size()), "");
  bench::result((name + ".sweeps_per_s").c_str(), rate, "1/s");
  bench::result((name + ".p50_us").c_str(), bench::percentile(&samples, 0.5) / 1000, "us");
  bench::result((name + ".p99_us").c_str(), bench::percentile(&samples, 0.99) / 1000, "us");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: sweep HOST PORT SECONDS LABEL\n");
    return 64;
  }
  Client client;
  if (!client.connect(argv[1], static_cast<std::uint16_t>(std::atoi(argv[2])))) {
    std::fprintf(stderr, "sweep: no session with %s:%s\n", argv[1], argv[2]);
    return 1;
  }
  const std::vector<Item> list = items();
  const double seconds = std::atof(argv[3]);
  const std::string label = std::string("sweep.") + argv[4];
  run(&client, label + ".call_per_item", list, pack(list, 1, 1460), seconds);
  run(&client, label + ".packed", list, pack(list, kProvenBlocks, kProvenReplyBytes), seconds);
  run(&client, label + ".one_frame", list, pack(list, 64, 3480), seconds);
  bench::result((label + ".items").c_str(), static_cast<double>(list.size()), "");
  return 0;
}
