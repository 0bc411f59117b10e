// TCP over lwIP without a device: a peer who does what the input says, a driver who does so, too,
// and time that passes. Input: operations of one byte each, with what they need behind them.
//
//     0 open   1 send   2 close   3 time goes by (n*n ms), then a step
//     4 a segment of the peer: flags, sequence and acknowledgement beside what would be right,
//       window, options, payload     5 a right answer of the peer   6 what the driver does when
//       called
//
// After each input nothing of lwIP's memory may be in use, and no assertion of lwIP have failed but
// for those that were looked into (kKnown).
#include <lwip/stats.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/io/dpdk/tcp/tcp_stack.hpp"

using namespace rise::io;
using dpdk::TcpLink;
using dpdk::TcpSettings;
using dpdk::TcpStack;

namespace {

constexpr std::uint32_t kOurs = 0x0a4d0001;
constexpr std::uint32_t kPeer = 0x0a4d0002;
constexpr std::uint16_t kPeerPort = 8193;
constexpr std::uint32_t kStreams = 4;
constexpr std::uint32_t kWindow = 16 * 1024;
constexpr std::uint8_t kFin = 1;
constexpr std::uint8_t kSyn = 2;
constexpr std::uint8_t kAck = 16;

// A peer who plays with his window gets lwIP to probe it while data is under way. What it then does
// looks for itself whether there is something to send.
constexpr const char* kKnown = "tcp_slowtimr: persist ticking";

void require(bool condition) {
  if (!condition) std::abort();
}

std::uint32_t load(const std::uint8_t* at, int bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | at[i];
  return value;
}
void store(std::uint8_t* at, std::uint32_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i, value >>= 8) at[i] = static_cast<std::uint8_t>(value);
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
  [[nodiscard]] bool empty() const { return at_ == end_; }
  std::uint8_t byte() { return empty() ? 0 : *at_++; }
  std::uint32_t two() {
    const std::uint32_t high = byte();
    return high << 8 | byte();
  }
  std::vector<std::uint8_t> bytes(std::size_t count) {
    count = std::min(count, static_cast<std::size_t>(end_ - at_));
    std::vector<std::uint8_t> out(at_, at_ + count);
    at_ += count;
    return out;
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

struct Scene {
  TcpStack stack;
  std::int64_t now = 1'000'000'000;
  std::array<std::uint8_t, 2048> last{};  // what we have sent last
  std::uint32_t last_bytes = 0;
  bool deaf = false;  // nothing can leave
  std::uint8_t mood = 0;
  enum class Life { None, Opening, Open } life[kStreams] = {};
  std::uint32_t handed_on[kStreams] = {};  // since the last step

  Life& of(std::int32_t stream) {
    require(stream >= 0 && stream < static_cast<std::int32_t>(kStreams));
    return life[stream];
  }
};

// What a driver does out of a callback.
void act(Scene* scene, std::int32_t stream) {
  static const std::uint8_t kText[300] = {};
  const StreamPort& port = scene->stack.port;
  if ((scene->mood & 1) != 0) port.send(port.self, stream, kText, sizeof kText);
  if ((scene->mood & 2) != 0) port.close(port.self, stream);
  if ((scene->mood & 4) != 0) {
    const std::int32_t made = port.open(port.self, 1, "10.77.0.2", kPeerPort, 500);
    if (made >= 0) scene->of(made) = Scene::Life::Opening;
  }
}

void on_open(void* self, std::uint32_t, std::int32_t stream, std::int64_t) {
  auto* scene = static_cast<Scene*>(self);
  require(scene->of(stream) == Scene::Life::Opening);
  scene->of(stream) = Scene::Life::Open;
  scene->handed_on[stream] = 0;
  act(scene, stream);
}

void on_bytes(void* self, std::uint32_t, std::int32_t stream, const std::uint8_t* bytes,
              std::uint32_t length, std::int64_t) {
  auto* scene = static_cast<Scene*>(self);
  require(scene->of(stream) == Scene::Life::Open && length != 0);
  scene->handed_on[stream] += length;
  require(scene->handed_on[stream] <= kWindow);
  volatile std::uint8_t sum = 0;
  for (std::uint32_t i = 0; i < length; ++i) sum = static_cast<std::uint8_t>(sum + bytes[i]);
  act(scene, stream);
}

void on_closed(void* self, std::uint32_t, std::int32_t stream, std::int32_t reason, std::int64_t) {
  auto* scene = static_cast<Scene*>(self);
  require(scene->of(stream) != Scene::Life::None);
  require(reason >= RISE_CLOSED_BY_US && reason <= RISE_CLOSED_RESET);
  scene->of(stream) = Scene::Life::None;
  if ((scene->mood & 8) != 0) act(scene, stream);
}

TcpLink::Route route(void* self, std::uint32_t to, std::int64_t) {
  if (to != kPeer) return TcpLink::Route::None;
  return static_cast<Scene*>(self)->deaf ? TcpLink::Route::Unknown : TcpLink::Route::Ready;
}

std::uint8_t* room(void* self, std::uint32_t, std::uint32_t bytes, bool, std::int64_t) {
  auto* scene = static_cast<Scene*>(self);
  require(bytes >= 40 && bytes <= 1500);
  if (scene->deaf) return nullptr;
  scene->last_bytes = bytes;
  return scene->last.data();
}

void step(Scene* scene) {
  scene->stack.step(scene->stack.self, scene->now);
  std::fill(std::begin(scene->handed_on), std::end(scene->handed_on), 0);
}

#ifdef RISE_FUZZ_PLANT
// The planted fault: the length of a TCP option is believed.
volatile int planted_sink;
void planted(const std::vector<std::uint8_t>& packet) {
  if (packet.size() < 44 || packet[40] < 2) return;
  int sum = 0;
  for (std::size_t i = 0; i < packet[41]; ++i) sum += packet.data()[40 + i];
  planted_sink = sum;
}
#endif

// The peer's segment in answer to what we have sent last.
void answer(Scene* scene, std::uint8_t flags, std::int32_t sequence, std::int32_t acknowledged,
            std::uint32_t window, const std::vector<std::uint8_t>& options,
            const std::vector<std::uint8_t>& payload) {
  if (scene->last_bytes == 0) return;
  const std::uint8_t* sent = scene->last.data() + 20;
  const std::uint32_t header = std::uint32_t{sent[12]} / 16 * 4;
  const std::uint32_t taken =
      scene->last_bytes - 20 - header + ((sent[13] & (kSyn | kFin)) != 0 ? 1 : 0);
  std::vector<std::uint8_t> packet(40);
  packet.insert(packet.end(), options.begin(), options.end());
  packet.resize((packet.size() + 3) / 4 * 4);
  const auto offset = static_cast<std::uint8_t>((packet.size() - 20) / 4 << 4);
  packet.insert(packet.end(), payload.begin(), payload.end());
  packet[0] = 0x45;
  store(&packet[2], static_cast<std::uint32_t>(packet.size()), 2);
  packet[8] = 64;
  packet[9] = packet::kProtocolTcp;
  store(&packet[12], kPeer, 4);
  store(&packet[16], kOurs, 4);
  store(&packet[20], kPeerPort, 2);
  store(&packet[22], load(sent, 2), 2);
  store(&packet[24], load(sent + 8, 4) + static_cast<std::uint32_t>(sequence), 4);
  store(&packet[28], load(sent + 4, 4) + taken + static_cast<std::uint32_t>(acknowledged), 4);
  packet[32] = offset;
  packet[33] = flags;
  store(&packet[34], window, 2);
#ifdef RISE_FUZZ_PLANT
  planted(packet);
#endif
  scene->stack.input(scene->stack.self, packet, scene->now);
}

void segment(Scene* scene, Input* input) {
  const std::uint8_t flags = input->byte();
  const auto sequence = static_cast<std::int16_t>(input->two());
  const auto acknowledged = static_cast<std::int16_t>(input->two());
  const std::uint32_t window = input->two();
  const std::vector<std::uint8_t> options = input->bytes(input->byte() % 41);
  std::vector<std::uint8_t> payload = input->bytes(input->byte());
  payload.resize(payload.size() * (1 + input->byte() % 5));
  answer(scene, flags, sequence, acknowledged, window, options, payload);
}

void obey(Scene* scene, Input* input) {
  const StreamPort& port = scene->stack.port;
  const std::uint8_t operation = input->byte();
  const std::int32_t stream = operation >> 4 & 3;
  switch (operation & 7) {
    case 0: {
      const std::int32_t made =
          port.open(port.self, 1, (operation & 8) != 0 ? "8.8.8.8" : "10.77.0.2", kPeerPort,
                    std::uint32_t{input->byte()} * 10);
      require(made >= 0 || made == RISE_E_LIMIT);
      if (made >= 0) scene->of(made) = Scene::Life::Opening;
      break;
    }
    case 1: {
      const std::vector<std::uint8_t> bytes(std::size_t{input->byte()} * 40, 0x55);
      const std::int32_t code =
          port.send(port.self, stream, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
      require(code == RISE_OK || code == RISE_E_AGAIN || code == RISE_E_CLOSED);
      break;
    }
    case 2: port.close(port.self, stream); break;
    case 3: {
      const std::int64_t wait = input->byte();
      scene->now += wait * wait * 1'000'000;
      scene->deaf = (operation & 128) != 0;
      step(scene);
      break;
    }
    case 4: segment(scene, input); break;
    case 5: {
      const bool syn = scene->last_bytes != 0 && (scene->last[33] & kSyn) != 0;
      answer(scene, syn ? kSyn | kAck : kAck, 0, 0, 0xffff, {},
             std::vector<std::uint8_t>(syn ? 0 : operation >> 3));
      break;
    }
    case 6: scene->mood = input->byte(); break;
    default: step(scene); break;
  }
}

bool in_use() {
  for (const stats_mem* pool : lwip_stats.memp) {
    if (pool->used != 0) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Scene scene;
  TcpSettings settings;
  settings.address = kOurs;
  settings.capacity = kStreams;
  settings.sink = {&scene, on_open, on_bytes, on_closed};
  settings.link.self = &scene;
  settings.link.route = route;
  settings.link.room = room;
  require(dpdk::make_tcp(settings, &scene.stack).empty());
  Input input(data, size);
  while (!input.empty()) obey(&scene, &input);
  step(&scene);
  scene.stack.end(scene.stack.self, scene.now);
  const char* fault = ::rise_lwip_last_fault();
  const bool known = fault == nullptr || std::strncmp(fault, kKnown, std::strlen(kKnown)) == 0;
  if (!known) std::fprintf(stderr, "lwIP: %s\n", fault);
  require(known);
  require(!in_use());
  return 0;
}
