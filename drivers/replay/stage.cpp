#include "drivers/replay/stage.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "rise_generated.h"

namespace rise::replay {

using record::Kind;

namespace {

std::string address_text(std::uint32_t address, std::uint16_t port) {
  char text[32];
  std::snprintf(text, sizeof text, "%u.%u.%u.%u:%u", address >> 24, address >> 16 & 0xff,
                address >> 8 & 0xff, address & 0xff, port);
  return text;
}

// The neighbourhood of byte `at`, 32 bytes of it.
std::string hex_dump(const char* label, Bytes bytes, std::size_t at) {
  constexpr std::size_t kShown = 32;
  const std::size_t from = at > kShown / 2 ? at - kShown / 2 : 0;
  std::string text = std::string("\n    ") + label + " [" + std::to_string(from) + "..]";
  if (from >= bytes.size()) return text + " (nothing)";
  for (std::size_t i = from; i < bytes.size() && i < from + kShown; ++i) {
    char one[8];
    std::snprintf(one, sizeof one, i == at ? " >%02x" : " %02x", static_cast<unsigned>(bytes[i]));
    text += one;
  }
  return text;
}

std::string differing_bytes(Bytes recorded, Bytes now) {
  const auto places = std::mismatch(recorded.begin(), recorded.end(), now.begin(), now.end());
  const auto at = static_cast<std::size_t>(places.first - recorded.begin());
  return std::to_string(now.size()) + " bytes instead of " + std::to_string(recorded.size()) +
         ", different from offset " + std::to_string(at) + hex_dump("recorded", recorded, at) +
         hex_dump("replayed", now, at);
}

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::Open: return "a stream to open";
    case Kind::Send: return "bytes to send";
    case Kind::Close: return "a stream to close";
    default: return "a datagram to send";
  }
}

}  // namespace

void Divergences::add(std::uint64_t cycle, const std::string& text) {
  if (count++ == 0) first_cycle = cycle;
  if (texts.size() < kKept) texts.push_back("cycle " + std::to_string(cycle) + ": " + text);
}

void Stage::enter(Cycle cycle) {
  cycle_ = std::move(cycle);
  next_stamp_ = 0;
  next_inward_ = 0;
  next_command_ = 0;
  first_open_ = 0;
  stamps_missing_ = 0;
  still_ns_ = std::max(still_ns_, cycle_.now_ns);
  asked_.assign(cycle_.outward.size(), false);
}

void Stage::leave() {
  for (std::size_t i = 0; i < asked_.size(); ++i) {
    if (asked_[i]) continue;
    const Outward& out = cycle_.outward[i];
    differ((out.kind == Kind::Open ? who(out.owner) : whose(out.number)) + ": the recording has " +
           name_of(out.kind) + (out.bytes.empty() ? "" : hex_dump("recorded", out.bytes, 0)) +
           ", the replay has not");
  }
  // What was recorded but not handed out: the lane made no exchange.
  if (next_inward_ < cycle_.inward.size()) differ("the lane did not take what had arrived");
  if (!free_ && next_command_ < cycle_.commands.size()) differ("the lane left commands untaken");
  if (!free_ && (stamps_missing_ != 0 || next_stamp_ != cycle_.stamps.size())) {
    differ("the lane read the clock " + std::to_string(next_stamp_ + stamps_missing_) +
           " times, in the recording " + std::to_string(cycle_.stamps.size()) + " times");
  }
}

cycle::Clock Stage::clock() {
  cycle::Clock clock;
  clock.self = this;
  clock.now = [](void* self) { return of(self)->cycle_.now_ns; };
  clock.stamp = [](void* self) { return of(self)->stamp(); };
  clock.wait_until = [](void* self, std::int64_t) { return of(self)->cycle_.now_ns; };
  return clock;
}

std::int64_t Stage::stamp() {
  if (free_) return still_ns_;
  if (next_stamp_ < cycle_.stamps.size()) return cycle_.stamps[next_stamp_++];
  ++stamps_missing_;
  return cycle_.stamps.empty() ? cycle_.now_ns : cycle_.stamps.back();
}

io::StreamPort Stage::streams(const io::StreamSink& sink) {
  sink_ = sink;
  io::StreamPort port;
  port.self = this;
  port.start = [](void*) { return true; };
  port.open = [](void* self, std::uint32_t owner, const char* host, std::uint16_t number,
                 std::uint32_t timeout_ms) {
    return of(self)->open(owner, host, number, timeout_ms);
  };
  port.send = [](void* self, std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length) {
    Stage* stage = of(self);
    return stage->check_bytes(stage->find(Kind::Send, stream), "sends", stream, {bytes, length});
  };
  port.close = [](void* self, std::int32_t stream) {
    Stage* stage = of(self);
    if (const Outward* recorded = stage->find(Kind::Close, stream)) return recorded->answer;
    stage->differ(stage->whose(stream) + ": closes its stream, not so in the recording");
    return std::int32_t{RISE_OK};
  };
  port.exchange = [](void* self, std::int64_t) { of(self)->exchange(); };
  port.counters = &counters_;
  return port;
}

io::DatagramPort Stage::datagrams(const io::DatagramSink& sink) {
  datagram_sink_ = sink;
  io::DatagramPort port;
  port.self = this;
  port.start = [](void*) { return true; };
  port.send = [](void* self, std::int32_t number, const rise_endpoint& to,
                 const std::uint8_t* bytes, std::uint32_t length) {
    Stage* stage = of(self);
    Outward* recorded = stage->find(Kind::DatagramSend, number);
    if (recorded != nullptr && (recorded->address != to.address || recorded->port != to.port)) {
      stage->differ("UDP port " + std::to_string(number) + ": sends to " +
                    address_text(to.address, to.port) + " instead of " +
                    address_text(recorded->address, recorded->port));
    }
    return stage->check_bytes(recorded, "sends a datagram", number, {bytes, length});
  };
  port.exchange = [](void* self, std::int64_t) { of(self)->exchange_datagrams(); };
  port.counters = &datagram_counters_;
  return port;
}

std::int32_t Stage::open(std::uint32_t owner, const char* host, std::uint16_t port,
                         std::uint32_t timeout_ms) {
  const auto* text = reinterpret_cast<const std::uint8_t*>(host);
  const Bytes wanted(text, ::strnlen(host, io::kMaxHostLength + 1));
  for (std::size_t i = first_open_; i < asked_.size(); ++i) {
    const Outward& recorded = cycle_.outward[i];
    if (asked_[i] || recorded.kind != Kind::Open || recorded.owner != owner) continue;
    asked_[i] = true;
    if (!std::ranges::equal(recorded.bytes, wanted) || recorded.port != port ||
        recorded.timeout_ms != timeout_ms) {
      differ(who(owner) + ": opens " + std::string(host, wanted.size()) + ":" +
             std::to_string(port) + " (" + std::to_string(timeout_ms) + " ms), in the recording " +
             std::string(recorded.bytes.begin(), recorded.bytes.end()) + ":" +
             std::to_string(recorded.port) + " (" + std::to_string(recorded.timeout_ms) + " ms)");
    }
    if (recorded.answer >= 0) owners_[recorded.answer] = owner;
    return recorded.answer;
  }
  differ(who(owner) + ": opens a stream to " + std::string(host, wanted.size()) + ":" +
         std::to_string(port) + ", not so in the recording");
  return RISE_E_LIMIT;
}

Outward* Stage::find(Kind kind, std::int32_t number) {
  while (first_open_ < asked_.size() && asked_[first_open_]) ++first_open_;
  for (std::size_t i = first_open_; i < asked_.size(); ++i) {
    Outward& recorded = cycle_.outward[i];
    if (asked_[i] || recorded.kind != kind || recorded.number != number) continue;
    asked_[i] = true;
    return &recorded;
  }
  return nullptr;
}

std::int32_t Stage::check_bytes(Outward* recorded, const char* what, std::int32_t number,
                                Bytes bytes) {
  const bool stream = recorded == nullptr || recorded->kind == Kind::Send;
  const auto where = [&] {
    return (stream ? whose(number) : "UDP port " + std::to_string(number)) + ": " + what;
  };
  bytes_out_ += bytes.size();
  counters_.bytes_sent += stream ? bytes.size() : 0;
  if (recorded == nullptr) {
    differ(where() + ", not so in the recording" + hex_dump("replayed", bytes, 0));
    return RISE_OK;
  }
  if (!std::ranges::equal(recorded->bytes, bytes)) {
    differ(where() + " " + differing_bytes(recorded->bytes, bytes));
  }
  return recorded->answer;
}

void Stage::exchange() {
  for (; next_inward_ < cycle_.inward.size(); ++next_inward_) {
    const Inward& in = cycle_.inward[next_inward_];
    if (in.kind == Kind::Datagrams) return;
    hand_out(in);
  }
}

void Stage::exchange_datagrams() {
  if (next_inward_ < cycle_.inward.size()) ++next_inward_;  // the mark
  for (; next_inward_ < cycle_.inward.size(); ++next_inward_) {
    hand_out(cycle_.inward[next_inward_]);
  }
}

void Stage::hand_out(const Inward& in) {
  if (in.kind == Kind::Datagrams) return;
  still_ns_ = std::max(still_ns_, in.now_ns);
  bytes_in_ += in.bytes.size();
  const auto length = static_cast<std::uint32_t>(in.bytes.size());
  if (in.owner >= machines_.size() || machines_[in.owner].empty()) {
    differ("something arrives for machine " + std::to_string(in.owner) +
           ", which this lane does not have");
    return;
  }
  if (in.kind == Kind::Datagram) {
    alignas(8) std::uint8_t copy[RISE_DATAGRAM_MAX];
    if (length > sizeof copy || datagram_sink_.on_datagram == nullptr) return;
    std::copy(in.bytes.begin(), in.bytes.end(), copy);
    rise_datagram datagram{};
    datagram.struct_size = sizeof datagram;
    datagram.length = length;
    datagram.bytes = copy;
    datagram.from.address = in.address;
    datagram.from.port = in.port;
    ++datagram_counters_.received;
    datagram_sink_.on_datagram(datagram_sink_.self, in.owner, in.number, datagram, in.now_ns);
    return;
  }
  const auto owner = owners_.find(in.number);
  if (owner == owners_.end() || owner->second != in.owner) {
    differ(who(in.owner) + ": something arrives on stream " + std::to_string(in.number) +
           ", which it has not opened");
    return;
  }
  if (in.kind == Kind::Opened) {
    ++counters_.opened;
    sink_.on_open(sink_.self, in.owner, in.number, in.now_ns);
  } else if (in.kind == Kind::Bytes) {
    counters_.bytes_received += length;
    sink_.on_bytes(sink_.self, in.owner, in.number, in.bytes.data(), length, in.now_ns);
  } else {
    owners_.erase(owner);
    sink_.on_closed(sink_.self, in.owner, in.number, in.reason, in.now_ns);
  }
}

io::Witness Stage::witness() {
  io::Witness witness;
  witness.self = this;
  witness.utc_offset = [](void* self, std::int64_t* offset_ns) {
    *offset_ns = of(self)->cycle_.utc_offset_ns;
  };
  witness.words = [](void* self, io::SeenWords* words) { *words = of(self)->cycle_.words; };
  witness.command = [](void* self, shm::Pop, shm::Word* words) {
    Stage* stage = of(self);
    if (stage->next_command_ >= stage->cycle_.commands.size()) return shm::Pop::Empty;
    const Bytes command = stage->cycle_.commands[stage->next_command_++];
    if (command.size() != sizeof(message::Command)) return shm::Pop::Corrupt;
    std::memcpy(words, command.data(), command.size());
    return shm::Pop::Item;
  };
  return witness;
}

std::string Stage::who(std::uint32_t owner) const {
  if (owner < machines_.size() && !machines_[owner].empty()) return machines_[owner];
  return "machine " + std::to_string(owner);
}

std::string Stage::whose(std::int32_t stream) const {
  const auto owner = owners_.find(stream);
  return (owner != owners_.end() ? who(owner->second) + ", " : "") + "stream " +
         std::to_string(stream);
}

}  // namespace rise::replay
