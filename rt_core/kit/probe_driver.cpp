// The probe as a driver: what the core calls.

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "rt_core/kit/probe.hpp"
#include "rt_core/random.hpp"

namespace rise::kit {

namespace {

const rise_driver* inner_of[Probe::kSlots];
rise_driver outer_of[Probe::kSlots];

Probe& of(void* instance) { return *static_cast<Probe*>(instance); }

// A struct as a host of another age hands it over: longer or shorter than the driver knows it, with
// rubbish behind it.
template <class Struct>
struct Handed {
  // older_size: in ABI 1.0.
  Handed(const Struct& value, std::size_t older_size) {
    std::memcpy(bytes, &value, sizeof value);
    if (probe_mode.age == HostAge::Same) return;
    const bool newer = probe_mode.age == HostAge::Newer;
    const std::size_t known = newer ? sizeof value : older_size;
    std::memset(bytes + known, 0xa5, sizeof bytes - known);
    const auto size = static_cast<std::uint32_t>(newer ? sizeof bytes : older_size);
    std::memcpy(bytes, &size, sizeof size);
  }
  [[nodiscard]] const Struct* get() const { return reinterpret_cast<const Struct*>(bytes); }
  alignas(Struct) unsigned char bytes[sizeof(Struct) + 32];
};

}  // namespace

template <class Function>
void Probe::call(Call which, Function function) {
  if (!fault.empty()) return;
  begin(which);
  if (probe_mode.seal && which != Call::Configure && which != Call::Destroy) {
    guard::Fault broken;
    const bool whole = guard::guarded_call(
        [](void* argument) { (*static_cast<Function*>(argument))(); }, &function, &broken);
    if (!whole) {
      char why[96];
      fault.assign(why, guard::describe(broken, why, sizeof why));
      fault += std::string(" in ") + name_of(which) + "()";
      depth_ = 1;
    }
  } else {
    function();
  }
  end(which);
}

template <std::size_t Slot>
struct DriverSide {
  static std::int32_t configure(const rise_host* host, const rise_config* config, void** instance) {
    auto* probe = new Probe(Slot, *host, *config);
    probe->make_host();
    const rise_config* made = probe->make_config(*config);
    std::int32_t rc = RISE_E_CONFIG;
    probe->call(Call::Configure,
                [&] { rc = inner_of[Slot]->configure(probe->host_, made, &probe->instance_); });
    if (rc == RISE_OK) {
      *instance = probe;
    } else {
      delete probe;
    }
    return rc;
  }
  static void destroy(void* self) {
    Probe& probe = of(self);
    probe.call(Call::Destroy, [&] { inner_of[Slot]->destroy(probe.instance_); });
    delete &probe;
  }
  static void start(void* self, std::int64_t now_ns) {
    Probe& probe = of(self);
    probe.start_ns_ = probe.now_ns_ = now_ns;
    probe.down_since_ns = now_ns;
    probe.call(Call::Start, [&] { inner_of[Slot]->start(probe.instance_, now_ns); });
  }
  static void cycle(void* self, const rise_cycle* cycle) {
    Probe& probe = of(self);
    probe.now_ns_ = cycle->now_ns;
    const Handed<rise_cycle> handed(*cycle, sizeof *cycle);
    probe.call(Call::Cycle, [&] { inner_of[Slot]->cycle(probe.instance_, handed.get()); });
  }
  static void on_open(void* self, std::int32_t stream, std::int64_t now_ns) {
    Probe& probe = of(self);
    probe.now_ns_ = now_ns;
    probe.say("on_open %d", probe.local(stream));
    probe.connected_streams.insert(stream);
    probe.call(Call::OnOpen, [&] { inner_of[Slot]->on_open(probe.instance_, stream, now_ns); });
  }
  static void on_bytes(void* self, std::int32_t stream, const std::uint8_t* bytes,
                       std::uint32_t length, std::int64_t now_ns) {
    Probe& probe = of(self);
    probe.now_ns_ = now_ns;
    const std::uint32_t most = probe_mode.piece == 0 ? 65536 : probe_mode.piece;
    for (std::uint32_t from = 0; from < length;) {
      std::uint32_t piece = std::min(most, length - from);
      if (piece > 1 && probe_mode.piece > 1) {
        piece = 1 + static_cast<std::uint32_t>(next_random(&probe.piece_random_) % piece);
      }
      // After the driver has closed it, the network delivers nothing more.
      if (!probe.open_streams.contains(stream)) return;
      const auto* fenced =
          static_cast<const std::uint8_t*>(probe.bytes_fence_.put(bytes + from, piece));
      probe.call(Call::OnBytes,
                 [&] { inner_of[Slot]->on_bytes(probe.instance_, stream, fenced, piece, now_ns); });
      from += piece;
    }
  }
  static void on_closed(void* self, std::int32_t stream, std::int32_t reason, std::int64_t now_ns) {
    Probe& probe = of(self);
    probe.now_ns_ = now_ns;
    probe.say("on_closed %d, %d", probe.local(stream), reason);
    probe.open_streams.erase(stream);
    probe.connected_streams.erase(stream);
    ++probe.closes;
    probe.call(Call::OnClosed,
               [&] { inner_of[Slot]->on_closed(probe.instance_, stream, reason, now_ns); });
  }
  static std::int32_t command(void* self, const rise_command* command, std::int64_t now_ns) {
    Probe& probe = of(self);
    probe.now_ns_ = now_ns;
    const Handed<rise_command> handed(*command, offsetof(rise_command, expires_ns));
    std::int32_t rc = RISE_E_UNSUPPORTED;
    probe.commands[command->id] = 0;
    probe.call(Call::Command,
               [&] { rc = inner_of[Slot]->command(probe.instance_, handed.get(), now_ns); });
    if (rc != RISE_OK) probe.commands.erase(command->id);
    return rc;
  }
  static void safe(void* self, std::int32_t reason, std::int64_t now_ns) {
    Probe& probe = of(self);
    probe.now_ns_ = now_ns;
    probe.call(Call::Safe, [&] { inner_of[Slot]->safe(probe.instance_, reason, now_ns); });
  }
  static void cancel(void* self, std::uint64_t id, std::int64_t now_ns) {
    Probe& probe = of(self);
    probe.now_ns_ = now_ns;
    probe.call(Call::Cancel, [&] { inner_of[Slot]->cancel(probe.instance_, id, now_ns); });
  }
  static void stop(void* self, std::int64_t now_ns) {
    Probe& probe = of(self);
    probe.now_ns_ = now_ns;
    probe.stopped_ = true;
    probe.call(Call::Stop, [&] { inner_of[Slot]->stop(probe.instance_, now_ns); });
  }
  static void on_datagram(void* self, std::int32_t port, const rise_datagram* datagram,
                          std::int64_t now_ns) {
    Probe& probe = of(self);
    probe.now_ns_ = now_ns;
    probe.call(Call::OnDatagram,
               [&] { inner_of[Slot]->on_datagram(probe.instance_, port, datagram, now_ns); });
  }
  static void fill(rise_driver* outer) {
    outer->configure = &configure;
    outer->destroy = &destroy;
    outer->start = &start;
    outer->cycle = &cycle;
    outer->stop = &stop;
    if (outer->on_open != nullptr) outer->on_open = &on_open;
    if (outer->on_bytes != nullptr) outer->on_bytes = &on_bytes;
    if (outer->on_closed != nullptr) outer->on_closed = &on_closed;
    if (outer->command != nullptr) outer->command = &command;
    if (outer->safe != nullptr) outer->safe = &safe;
    if (outer->cancel != nullptr) outer->cancel = &cancel;
    if (outer->on_datagram != nullptr) outer->on_datagram = &on_datagram;
  }
};

const rise_driver* Probe::wrap(std::size_t slot, const rise_driver* inner) {
  static_assert(kSlots == 3);
  inner_of[slot] = inner;
  outer_of[slot] = *inner;
  if (slot == 0) DriverSide<0>::fill(&outer_of[slot]);
  if (slot == 1) DriverSide<1>::fill(&outer_of[slot]);
  if (slot == 2) DriverSide<2>::fill(&outer_of[slot]);
  return &outer_of[slot];
}

std::int32_t Probe::local(std::int32_t stream) {
  const auto found = local_streams_.emplace(stream, static_cast<std::int32_t>(opens) - 1);
  return found.first->second;
}

std::int32_t Probe::command(std::uint32_t output, double value, std::int64_t expires_ns,
                            std::int64_t now_ns) {
  rise_command command{};
  command.struct_size = sizeof command;
  command.kind = RISE_COMMAND_SET;
  command.output = output;
  command.id = ++next_command_;
  command.value = value;
  command.expires_ns = expires_ns;
  return outer_of[slot_].command(this, &command, now_ns);
}

void Probe::cancel(std::int64_t now_ns) {
  if (outer_of[slot_].cancel != nullptr) outer_of[slot_].cancel(this, 0, now_ns);
}

void Probe::safe(std::int64_t now_ns) { outer_of[slot_].safe(this, 1, now_ns); }

void Probe::datagram(std::int32_t port, const std::vector<std::uint8_t>& bytes,
                     std::int64_t now_ns) {
  // The ABI promises 8-byte alignment, so the fence is up to 7 bytes behind the end.
  std::vector<std::uint8_t> padded((bytes.size() + 7) / 8 * 8);
  std::copy(bytes.begin(), bytes.end(), padded.begin());
  rise_datagram datagram{};
  datagram.struct_size = sizeof datagram;
  datagram.length = static_cast<std::uint32_t>(bytes.size());
  datagram.bytes = static_cast<const std::uint8_t*>(bytes_fence_.put(padded.data(), padded.size()));
  datagram.from = {0x7f000001, 40000, 0};
  outer_of[slot_].on_datagram(this, port, &datagram, now_ns);
}

}  // namespace rise::kit
