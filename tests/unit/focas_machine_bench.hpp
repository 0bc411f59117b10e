// A machine of the driver, a fake host and fake controls, on simulated time and a network in
// memory.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drivers/focas/machine.hpp"
#include "tests/unit/focas_fake_control.hpp"
#include "tests/unit/focas_fake_host.hpp"

namespace rise::test {

class MachineBench {
 public:
  static constexpr std::int64_t kMs = 1'000'000;
  using Targets = std::vector<std::pair<std::string, std::string>>;

  // `toml`: the machine's table, without the endpoint. The control is at "cnc", its backup at
  // "spare".
  explicit MachineBench(const std::string& toml, const Targets& outputs = {})
      : config("endpoint = 'cnc'\n" + toml, outputs) {
    controls["cnc"] = std::make_unique<FakeControl>();
    result = machine.configure(&host.abi, config.abi);
    host.configuring = false;
    if (result == RISE_OK) machine.start(now_ns);
  }

  FakeControl& control(const std::string& name = "cnc") { return *controls.at(name); }

  // Cycles of one millisecond: what arrived is handed over, then the machine has its turn.
  void run(std::int64_t ms) {
    for (std::int64_t i = 0; i < ms; ++i) step();
  }
  // Until it is so, or a minute is over.
  template <class Condition>
  bool run_until(Condition condition) {
    for (int ms = 0; ms < 60'000 && !condition(); ++ms) step();
    return condition();
  }
  bool run_up() {
    return run_until([this] { return host.up(); });
  }

  void step() {
    now_ns += kMs;
    for (std::size_t i = 0; i < host.streams.size(); ++i) network(static_cast<std::int32_t>(i));
    rise_cycle cycle{};
    cycle.struct_size = sizeof cycle;
    cycle.flags = flags;
    cycle.number = ++number;
    cycle.now_ns = now_ns;
    cycle.period_ns = kMs;
    machine.cycle(cycle);
  }

  std::int32_t command(std::uint64_t id, std::uint32_t output, double value,
                       std::uint32_t kind = RISE_COMMAND_SET) {
    rise_command command{};
    command.struct_size = sizeof command;
    command.kind = kind;
    command.output = output;
    command.id = id;
    command.value = value;
    return machine.command(command, now_ns);
  }
  bool run_done(std::size_t count = 1) {
    return run_until([this, count] { return host.done.size() >= count; });
  }
  // The peer ends every connection.
  void cut(std::int32_t reason = RISE_CLOSED_RESET) {
    for (std::size_t i = 0; i < host.streams.size(); ++i) {
      if (host.streams[i].used && host.streams[i].open) end(static_cast<std::int32_t>(i), reason);
    }
  }
  void end(std::int32_t stream, std::int32_t reason) {
    host.streams[static_cast<std::size_t>(stream)].used = false;
    replies.erase(stream);
    machine.on_closed(stream, reason, now_ns);
  }
  [[nodiscard]] std::uint64_t count(std::uint32_t counter) const { return host.counts[counter]; }

  DriverConfig config;
  FakeHost host;
  focas::Machine machine;
  std::map<std::string, std::unique_ptr<FakeControl>> controls;  // by host name
  std::int32_t result = 0;
  std::int64_t now_ns = 1'000'000'000;
  std::uint64_t number = 0;
  std::uint32_t flags = 0;
  std::int64_t reply_ms = 1;   // between request and reply
  std::size_t piece = 0;       // bytes per segment; 0: the whole reply
  bool answer_closing = true;  // the host reports the end of streams that the driver closes
  std::int32_t mute = -1;      // a stream on which nothing comes any more

 private:
  struct Reply {
    std::int64_t time_ns = 0;
    std::vector<std::uint8_t> bytes;
  };

  void network(std::int32_t number_of_stream) {
    FakeStream& stream = host.streams[static_cast<std::size_t>(number_of_stream)];
    if (!stream.used) return;
    const auto place = controls.find(stream.host);
    FakeControl* peer = place == controls.end() ? nullptr : place->second.get();
    if (!stream.open && !stream.closing) {
      if (peer == nullptr) {
        end(number_of_stream, RISE_CLOSED_REFUSED);
        return;
      }
      stream.open = true;
      machine.on_open(number_of_stream, now_ns);
    }
    exchange(number_of_stream, peer);
    if (stream.used && stream.closing && answer_closing) {
      end(number_of_stream, RISE_CLOSED_BY_US);
      return;
    }
    deliver(number_of_stream);
  }

  // What the driver sent goes to the control, whole frames only.
  void exchange(std::int32_t number_of_stream, FakeControl* peer) {
    std::vector<std::uint8_t> sent = host.take(number_of_stream);
    std::size_t at = 0;
    while (peer != nullptr && at + 10 <= sent.size()) {
      const std::size_t size = 10u + 256u * sent[at + 8] + sent[at + 9];
      if (number_of_stream == mute) return;
      if (auto reply = peer->answer({sent.begin() + static_cast<std::ptrdiff_t>(at),
                                     sent.begin() + static_cast<std::ptrdiff_t>(at + size)})) {
        replies[number_of_stream].push_back({now_ns + (reply_ms - 1) * kMs, *reply});
      }
      at += size;
    }
  }

  void deliver(std::int32_t number_of_stream) {
    std::vector<Reply>& queue = replies[number_of_stream];
    while (!queue.empty() && queue.front().time_ns <= now_ns) {
      const std::vector<std::uint8_t> bytes = std::move(queue.front().bytes);
      queue.erase(queue.begin());
      const std::size_t size = piece == 0 ? bytes.size() : piece;
      for (std::size_t at = 0; at < bytes.size(); at += size) {
        const FakeStream& stream = host.streams[static_cast<std::size_t>(number_of_stream)];
        if (!stream.used || stream.closing) return;
        machine.on_bytes(number_of_stream,
                         focas::wire::Bytes(bytes).subspan(at, std::min(size, bytes.size() - at)),
                         now_ns);
      }
    }
  }

  std::map<std::int32_t, std::vector<Reply>> replies;
};

}  // namespace rise::test
