// The Redis adapter on a real server, whose connections are cut, and which is shut, by its own
// commands.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "plugins/redis/adapter.hpp"
#include "plugins/redis/topics.hpp"
#include "tests/bus_adapter/kit.hpp"

namespace rise::bus_adapter {

namespace {

class RedisKit : public Kit {
 public:
  explicit RedisKit(std::uint16_t port) : port_(port) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("no Redis at port " + std::to_string(port));
    }
  }
  ~RedisKit() override { ::close(fd_); }

  std::unique_ptr<bus::Adapter> adapter(const std::string& name) override {
    redis::Options options;
    options.endpoints = {{"127.0.0.1", port_}};
    options.connection.client_name = name;
    options.connection.password = password_;
    options.connection.connect_timeout_ms = 1000;
    options.connection.command_timeout_ms = 2000;
    options.connection.backoff_first_ms = 10;
    options.connection.backoff_max_ms = 50;
    options.block_ms = 50;
    options.discover_ms = 100;
    options.claim_every_ms = 100;
    options.claim_idle_ms = 300;
    options.deliveries_max = 100;
    options.message_bytes_max = 1u << 20u;
    options_ = options;
    return std::make_unique<redis::Adapter>(options);
  }
  void cut() override {
    say("CLIENT KILL TYPE normal SKIPME yes");
    say("CLIENT KILL TYPE pubsub SKIPME yes");
  }
  // Nobody knows the password.
  void down() override {
    say("CONFIG SET requirepass shut");
    cut();
  }
  void up() override { say("CONFIG SET requirepass \"\""); }
  void garbage(const std::string& topic) override {
    say("XADD " + redis::stream_of(options_, topic) + " * this is no message");
    say("PUBLISH " + redis::channel_of(options_, topic) + " garbage");
  }

 private:
  // An inline command; the answer is read, and must be no error.
  void say(const std::string& command) {
    const std::string line = command + "\r\n";
    if (::send(fd_, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
      throw std::runtime_error("Redis has hung up");
    }
    std::string answer;
    while (answer.find("\r\n") == std::string::npos) {
      char room[512];
      const ssize_t n = ::recv(fd_, room, sizeof room, 0);
      if (n <= 0) throw std::runtime_error("Redis does not answer: " + command);
      answer.append(room, static_cast<std::size_t>(n));
    }
    if (answer[0] == '-') throw std::runtime_error(command + ": " + answer);
    // Of "$n" the text comes behind.
    if (answer[0] == '$') std::this_thread::sleep_for(std::chrono::milliseconds(5));
    char rest[512];
    (void)!::recv(fd_, rest, sizeof rest, MSG_DONTWAIT);
  }

  std::uint16_t port_;
  int fd_ = -1;
  std::string password_;
  redis::Options options_;
};

}  // namespace

std::unique_ptr<Kit> make_redis_kit(std::uint16_t port) { return std::make_unique<RedisKit>(port); }

}  // namespace rise::bus_adapter
