// A stream port with real sockets, and what it told its lane.
#pragma once

#include <CppUTest/TestHarness.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/io/plain_port.hpp"
#include "rt_core/io/uring_port.hpp"

namespace rise::test {

// Threads of this process whose name begins so.
inline int threads_named(const std::string& begin) {
  int n = 0;
  std::error_code ignored;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    if (std::getline(file, name) && name.starts_with(begin)) ++n;
  }
  return n;
}

// Until the helper threads of ports that have ended are gone, and the memory that they share.
inline void wait_for_helpers() {
  for (int i = 0; i < 5000 && threads_named("rise-") != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

inline std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(
      std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

// Empty: io_uring works here.
inline std::string uring_missing() {
  static bool known = false;
  static char why[256] = "";
  if (!known) {
    const io::UringPort port(2, {});
    if (!port.usable()) std::snprintf(why, sizeof why, "%s", port.description().c_str());
    known = true;
  }
  return why;
}

class PortRig {
 public:
  enum class Kind { Plain, Uring };
  struct Seen {  // of one stream, from its open() to its on_closed
    std::uint32_t owner = 0;
    int opened = 0;
    std::string received;
    std::size_t pieces = 0;
    std::int32_t reason = -1;  // of the end; -1: not ended
  };

  explicit PortRig(Kind kind, std::uint32_t capacity = 8) {
    io::StreamSink sink;
    sink.self = this;
    sink.on_open = [](void* self, std::uint32_t owner, std::int32_t stream, std::int64_t) {
      Seen& seen = static_cast<PortRig*>(self)->seen_now(owner, stream);
      ++seen.opened;
    };
    sink.on_bytes = [](void* self, std::uint32_t owner, std::int32_t stream,
                       const std::uint8_t* bytes, std::uint32_t length, std::int64_t) {
      Seen& seen = static_cast<PortRig*>(self)->seen_now(owner, stream);
      if (seen.opened != 1 || length == 0) ++static_cast<PortRig*>(self)->faults;
      seen.received.append(reinterpret_cast<const char*>(bytes), length);
      ++seen.pieces;
    };
    sink.on_closed = [](void* self, std::uint32_t owner, std::int32_t stream, std::int32_t reason,
                        std::int64_t) {
      auto* rig = static_cast<PortRig*>(self);
      rig->seen_now(owner, stream).reason = reason;
      rig->current_.erase(stream);
    };
    if (kind == Kind::Plain) {
      plain_ = std::make_unique<io::PlainPort>(capacity, sink);
      port = plain_->table();
    } else {
      uring_ = std::make_unique<io::UringPort>(capacity, sink);
      port = uring_->table();
    }
    CHECK(port.start(port.self));
  }
  ~PortRig() {
    end();
    if (faults != 0) std::printf("\nport rig: %d calls out of order\n", faults);
  }
  // Ends the port and waits for its helper threads, which share memory with it.
  void end() {
    plain_.reset();
    uring_.reset();
    wait_for_helpers();
  }
  PortRig(const PortRig&) = delete;
  PortRig& operator=(const PortRig&) = delete;

  // The place of the stream in `streams`.
  std::size_t open(std::uint16_t number, const char* host = "127.0.0.1",
                   std::uint32_t timeout_ms = 20'000) {
    const auto owner = static_cast<std::uint32_t>(streams.size());
    const std::int32_t id = port.open(port.self, owner, host, number, timeout_ms);
    CHECK(id >= 0);
    CHECK(!current_.contains(id));  // a number in use is not given away
    current_[id] = owner;
    ids.push_back(id);
    streams.emplace_back();
    streams.back().owner = owner;
    return owner;
  }
  // Open, and connected.
  std::size_t connect(std::uint16_t number, const char* host = "127.0.0.1") {
    const std::size_t place = open(number, host);
    CHECK(until([&] { return streams[place].opened == 1; }));
    return place;
  }
  std::int32_t send(std::size_t place, const std::string& bytes) {
    return port.send(port.self, ids[place], reinterpret_cast<const std::uint8_t*>(bytes.data()),
                     static_cast<std::uint32_t>(bytes.size()));
  }
  std::int32_t close(std::size_t place) { return port.close(port.self, ids[place]); }
  void exchange() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    port.exchange(port.self, std::chrono::nanoseconds(now).count() + ahead_ns);
  }
  // Cycles until it is so. False: it did not become so.
  bool until(const std::function<bool()>& so) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!so()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      exchange();
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return true;
  }
  bool until_closed(std::size_t place) {
    return until([&] { return streams[place].reason != -1; });
  }
  void cycles(int n) {
    for (int i = 0; i < n; ++i) exchange();
  }
  [[nodiscard]] const io::PortCounters& counters() const { return *port.counters; }
  [[nodiscard]] io::UringPort& uring() { return *uring_; }

  io::StreamPort port;
  std::vector<std::int32_t> ids;
  std::vector<Seen> streams;
  std::int64_t ahead_ns = 0;  // the lane's time runs ahead of the clock's by this
  int faults = 0;             // bytes before open, or calls about streams that nobody has

 private:
  Seen& seen_now(std::uint32_t owner, std::int32_t stream) {
    static Seen lost;
    const auto found = current_.find(stream);
    if (found == current_.end() || found->second != owner) {
      ++faults;
      return lost;
    }
    return streams[owner];
  }

  std::unique_ptr<io::PlainPort> plain_;
  std::unique_ptr<io::UringPort> uring_;
  std::map<std::int32_t, std::uint32_t> current_;  // stream number -> its place now
};

}  // namespace rise::test

// A test that every kind of port must pass: PortRig::Kind is in `kind`. It belongs to the groups
// IoPlainPort<topic> and IoUringPort<topic>.
#define BOTH_PORTS(topic, name) BOTH_PORTS_WHEN(std::string(), topic, name)
// The same, if nothing is missing.
#define BOTH_PORTS_WHEN(missing, topic, name)                                                      \
  static void check_##name(rise::test::PortRig::Kind kind);                                        \
  TEST_WHEN(missing, IoPlainPort##topic, name) { check_##name(rise::test::PortRig::Kind::Plain); } \
  TEST_WHEN(missing + rise::test::uring_missing(), IoUringPort##topic, name) {                     \
    check_##name(rise::test::PortRig::Kind::Uring);                                                \
  }                                                                                                \
  static void check_##name(rise::test::PortRig::Kind kind)
