#include "rt_core/io/dpdk/tcp/tcp_streams.hpp"

#include <arpa/inet.h>
#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>
#include <lwip/tcp.h>
#include <sys/random.h>

#include <algorithm>
#include <cstring>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/io/dpdk/dpdk_entry.hpp"

namespace rise::io::dpdk {

namespace {

static_assert(TCP_SND_BUF == kSendQueueBytes);
static_assert(RISE_TCP_STREAMS == RISE_DPDK_STREAMS);
static_assert(sizeof(err_t) == sizeof(std::int8_t));

// Who answers lwIP's questions: its state is global, so there is one.
TcpStreams* instance = nullptr;
netif device;
bool initialised = false;
std::uint64_t faults = 0;  // assertions of lwIP that did not hold
const char* last_fault = nullptr;

constexpr std::uint16_t kFirstPort = 49152;  // to 65535: RFC 6335
constexpr int kPortTries = 8;
constexpr std::uint16_t kLeastSegment = 64;  // whatever the peer says: not one packet per byte

// The first time-out of a SYN, and of all that is sent, in ticks of lwIP's coarse clock.
constexpr int kFirstTimeout = RISE_TCP_FIRST_TIMEOUT_MS / TCP_SLOW_INTERVAL;
constexpr int kLongestSynTimeout = 1000 / TCP_SLOW_INTERVAL;

std::uint32_t mask_of(std::uint32_t prefix) {
  return prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
}

err_t send_packet(netif* /*device*/, pbuf* packet, const ip4_addr_t* to) {
  return instance->leave(packet, lwip_ntohl(to->addr)) ? ERR_OK : ERR_BUF;
}

err_t set_up_device(netif* made) {
  made->name[0] = 'd';
  made->name[1] = 'p';
  made->mtu = 1500;
  made->flags = NETIF_FLAG_BROADCAST;
  made->output = send_packet;
  return ERR_OK;
}

// Of a packet as lwIP makes it, without options of IPv4: data, SYN or FIN.
bool takes_sequence_numbers(packet::Bytes packet) {
  const std::size_t headers = IP_HLEN + std::size_t{packet[IP_HLEN + 12]} / 16 * 4;
  const std::uint8_t flags = packet[IP_HLEN + 13];
  return (flags & TCP_RST) == 0 && (packet.size() > headers || (flags & (TCP_SYN | TCP_FIN)) != 0);
}

// lwIP calls nobody about this connection any more.
void detach(tcp_pcb* pcb) {
  ::tcp_arg(pcb, nullptr);
  ::tcp_recv(pcb, nullptr);
  ::tcp_sent(pcb, nullptr);
  ::tcp_err(pcb, nullptr);
}

void drop(tcp_pcb** pcb) {
  detach(*pcb);
  ::tcp_abort(*pcb);
  *pcb = nullptr;
}

// Everything was acknowledged, so nothing of ours is referred to any more. The rest is lwIP's,
// which gives up such a connection first when it is short of them. Before this a stream's
// connection is in no state out of which lwIP would free it without telling.
void release(tcp_pcb** pcb) {
  detach(*pcb);
  ::tcp_setprio(*pcb, TCP_PRIO_MIN);
  if (::tcp_close(*pcb) != ERR_OK) ::tcp_abort(*pcb);
  *pcb = nullptr;
}

// lwIP makes segments of what the peer says now (of a size in any segment, of half his greatest
// window) and miscounts what is queued when that has become less since.
void keep_segments_equal(tcp_pcb* pcb, std::uint16_t longest) {
  pcb->mss = longest;
  pcb->snd_wnd_max = std::max<tcpwnd_size_t>(pcb->snd_wnd_max, 2 * longest);
}

// lwIP sends a SYN again at equal intervals and gives up after 12; we have a time-out of our own.
void slow_down(tcp_pcb* pcb) {
  const int tries = std::min<int>(pcb->nrtx, 8);
  pcb->nrtx = static_cast<u8_t>(tries);
  pcb->rto = static_cast<s16_t>(std::min(kFirstTimeout << tries, kLongestSynTimeout));
}

}  // namespace

TcpStreams::TcpStreams(const TcpSettings& settings, const SecretKey& key)
    : address_(settings.address),
      mask_(mask_of(settings.prefix)),
      sink_(settings.sink),
      link_(settings.link),
      key_(key),
      streams_(settings.capacity),
      send_memory_(std::size_t{settings.capacity} * kSendQueueBytes) {
  instance = this;
  for (std::uint32_t i = 0; i < settings.capacity; ++i) {
    streams_[i].all = this;
    streams_[i].out.attach(send_memory_.data() + std::size_t{i} * kSendQueueBytes);
    free_.push_back(static_cast<std::int32_t>(settings.capacity - 1 - i));
  }
  if (!initialised) ::lwip_init();
  initialised = true;
  const ip4_addr_t address{lwip_htonl(address_)};
  const ip4_addr_t mask{lwip_htonl(mask_)};
  const ip4_addr_t gateway{0};  // routes are the endpoint's
  ::netif_add(&device, &address, &mask, &gateway, nullptr, set_up_device, ::ip4_input);
  ::netif_set_default(&device);
  ::netif_set_up(&device);
  ::netif_set_link_up(&device);
}

TcpStreams::~TcpStreams() { instance = nullptr; }

// An orderly end needs somebody who stays to see it through; a reset is over at once.
void TcpStreams::end(std::int64_t now_ns) {
  now_ns_ = now_ns;
  for (Stream& stream : streams_) {
    if (stream.pcb != nullptr) drop(&stream.pcb);
  }
  while (tcp_active_pcbs != nullptr) ::tcp_abort(tcp_active_pcbs);
  while (tcp_tw_pcbs != nullptr) ::tcp_abort(tcp_tw_pcbs);
  ::netif_remove(&device);
}

// ---- what lwIP asks

std::uint32_t TcpStreams::first_sequence(std::uint32_t local, std::uint32_t remote,
                                         std::uint32_t ports) const {
  const std::uint64_t addresses = std::uint64_t{local} << 32 | remote;
  const auto clock = static_cast<std::uint64_t>(now_ns_) / 4000;  // RFC 9293: about 4 us
  return static_cast<std::uint32_t>(secret_hash(key_, addresses, ports) + clock);
}

std::uint32_t TcpStreams::random() {
  constexpr std::uint64_t kNotPorts = std::uint64_t{1} << 63;  // apart from first_sequence()
  return static_cast<std::uint32_t>(
      secret_hash(key_, static_cast<std::uint64_t>(now_ns_), kNotPorts | drawn_++));
}

bool TcpStreams::leave(const pbuf* packet, std::uint32_t to) {
  // A reset goes to whoever has sent something, forged or not.
  const bool reset = (::pbuf_get_at(packet, IP_HLEN + 13) & TCP_RST) != 0;
  std::uint8_t* room = link_.room(link_.self, to, packet->tot_len, reset, now_ns_);
  if (room == nullptr) {
    ++unsent_;
    return false;
  }
  ::pbuf_copy_partial(packet, room, packet->tot_len, 0);
  if (takes_sequence_numbers({room, packet->tot_len})) ++numbered_;
  return true;
}

// ---- what drivers ask

bool TcpStreams::can_be_a_peer(std::uint32_t address) const {
  const bool broadcast = address == packet::kBroadcastAddress ||
                         (address == (address_ | ~mask_) && mask_ < 0xfffffffe);
  return address >> 24 != 0 && address >> 24 != 127 && !broadcast &&
         !packet::is_multicast(address) && address != address_;
}

std::int32_t TcpStreams::open(std::uint32_t owner, const char* host, std::uint16_t port,
                              std::uint32_t timeout_ms) {
  // Who could look up a name? The kernel does not have this network, and a lane cannot wait.
  in_addr parsed{};
  if (::strnlen(host, INET_ADDRSTRLEN) >= INET_ADDRSTRLEN ||
      ::inet_pton(AF_INET, host, &parsed) != 1 || !can_be_a_peer(ntohl(parsed.s_addr)) ||
      port == 0) {
    return RISE_E_ARGUMENT;
  }
  if (free_.empty()) return RISE_E_LIMIT;
  const std::int32_t id = free_.back();
  free_.pop_back();
  Stream& stream = at(id);
  stream.state = State::Waiting;
  stream.close_wanted = stream.ended = false;
  stream.error = ERR_OK;
  stream.port = port;
  stream.to = ntohl(parsed.s_addr);
  stream.owner = owner;
  stream.timeout_ms = timeout_ms;
  stream.handed_on = 0;
  stream.deadline_ns = 0;
  stream.pcb = nullptr;
  stream.out.clear();
  return id;
}

std::int32_t TcpStreams::send(std::int32_t id, const std::uint8_t* bytes, std::uint32_t length) {
  if (!valid(id) || at(id).state != State::Open) return RISE_E_CLOSED;
  Stream& stream = at(id);
  if (length > stream.out.room()) {
    ++counters_.send_queue_full;
    return RISE_E_AGAIN;
  }
  if (length != 0) stream.out.append(bytes, length);
  return RISE_OK;
}

std::int32_t TcpStreams::close(std::int32_t id) {
  if (!valid(id)) return RISE_E_CLOSED;
  Stream& stream = at(id);
  switch (stream.state) {
    case State::Waiting:
    case State::Connecting: stream.close_wanted = true; return RISE_OK;
    case State::Open: drain(&stream, RISE_CLOSED_BY_US); return RISE_OK;
    default: return RISE_E_CLOSED;
  }
}

// ---- what lwIP tells

std::int8_t TcpStreams::on_connected(void* self, tcp_pcb* pcb, std::int8_t /*error*/) {
  Stream& stream = *static_cast<Stream*>(self);
  TcpStreams& me = *stream.all;
  if (stream.close_wanted) return ERR_OK;  // seen to in the step
  pcb->rttest = 0;  // else the first request would be measured from the SYN on, however long ago
  stream.longest = std::max(pcb->mss, kLeastSegment);
  stream.state = State::Open;
  ++me.counters_.opened;
  me.sink_.on_open(me.sink_.self, stream.owner, me.number(stream), me.now_ns_);
  return ERR_OK;
}

std::int8_t TcpStreams::on_received(void* self, tcp_pcb* /*pcb*/, pbuf* bytes,
                                    std::int8_t /*error*/) {
  Stream& stream = *static_cast<Stream*>(self);
  TcpStreams& me = *stream.all;
  if (bytes == nullptr) {
    stream.ended = true;
    return ERR_OK;
  }
  stream.handed_on += bytes->tot_len;
  me.counters_.bytes_received += bytes->tot_len;
  // The driver may close the stream while it reads.
  for (const pbuf* part = bytes; part != nullptr && stream.state == State::Open;
       part = part->next) {
    me.sink_.on_bytes(me.sink_.self, stream.owner, me.number(stream),
                      static_cast<const std::uint8_t*>(part->payload), part->len, me.now_ns_);
  }
  ::pbuf_free(bytes);
  return ERR_OK;
}

std::int8_t TcpStreams::on_acknowledged(void* self, tcp_pcb* /*pcb*/, std::uint16_t length) {
  static_cast<Stream*>(self)->out.acknowledge(length);
  return ERR_OK;
}

void TcpStreams::on_error(void* self, std::int8_t error) {
  if (self == nullptr) return;
  auto* stream = static_cast<Stream*>(self);
  stream->pcb = nullptr;  // lwIP has freed it
  stream->error = error;
}

// ---- the exchange

void TcpStreams::input(packet::Bytes packet, std::int64_t now_ns) {
  now_ns_ = now_ns;
  const auto length = static_cast<std::uint16_t>(packet.size());
  pbuf* copy = ::pbuf_alloc(PBUF_RAW, length, PBUF_POOL);
  if (copy == nullptr) {
    ++lost_;
    return;
  }
  ::pbuf_take(copy, packet.data(), length);
  ::ip4_input(copy, &device);  // frees it, whatever it says
}

void TcpStreams::run_timers() {
  if (tick_ns_ == 0) tick_ns_ = now_ns_ + kTickNs;
  for (int i = 0; now_ns_ >= tick_ns_; ++i) {
    if (i == kTicksPerStep) {  // the rest never happened
      tick_ns_ = now_ns_ + kTickNs;
      return;
    }
    tick_ns_ += kTickNs;
    ::tcp_tmr();
  }
}

// Those that wait for a connection come last: what others give up in this step is theirs.
void TcpStreams::step(std::int64_t now_ns) {
  now_ns_ = now_ns;
  run_timers();
  if (free_.size() == streams_.size()) return;
  for (Stream& stream : streams_) {
    if (stream.state != State::Free && stream.state != State::Waiting) attend(&stream);
  }
  for (Stream& stream : streams_) {
    if (stream.state == State::Waiting) connect(&stream);
  }
}

void TcpStreams::connect(Stream* stream) {
  if (stream->deadline_ns == 0) {
    stream->deadline_ns = now_ns_ + std::int64_t{stream->timeout_ms} * 1'000'000;
  }
  if (stream->close_wanted) return fail(stream, RISE_CLOSED_BY_US);
  switch (link_.route(link_.self, stream->to, now_ns_)) {
    case TcpLink::Route::None: return fail(stream, RISE_CLOSED_REFUSED);
    case TcpLink::Route::Unknown: break;
    case TcpLink::Route::Ready:
      if (start_connection(stream)) return;
      break;
  }
  if (now_ns_ >= stream->deadline_ns) fail(stream, RISE_CLOSED_TIMEOUT);
}

// False: no connection or no port was to be had; those that have ended become free by themselves.
bool TcpStreams::start_connection(Stream* stream) {
  tcp_pcb* pcb = ::tcp_new();
  if (pcb == nullptr) return false;
  ip4_addr_t ours{lwip_htonl(address_)};
  ip4_addr_t theirs{lwip_htonl(stream->to)};
  err_t error = ERR_USE;
  for (int i = 0; i < kPortTries && error != ERR_OK; ++i) {
    error =
        ::tcp_bind(pcb, &ours, static_cast<u16_t>(kFirstPort + random() % (65536 - kFirstPort)));
  }
  if (error == ERR_OK) {
    tcp_nagle_disable(pcb);
    pcb->rto = pcb->sv = kFirstTimeout;
    ::tcp_arg(pcb, stream);
    ::tcp_recv(pcb, on_received);
    ::tcp_sent(pcb, on_acknowledged);
    ::tcp_err(pcb, on_error);
    error = ::tcp_connect(pcb, &theirs, stream->port, on_connected);
  }
  if (error != ERR_OK) {
    drop(&pcb);
    return false;
  }
  stream->pcb = pcb;
  stream->state = State::Connecting;
  return true;
}

void TcpStreams::attend_connecting(Stream* stream) {
  if (stream->pcb == nullptr) {
    const std::int32_t reason =
        stream->error == ERR_ABRT ? RISE_CLOSED_TIMEOUT : RISE_CLOSED_REFUSED;
    fail(stream, stream->close_wanted ? RISE_CLOSED_BY_US : reason);
  } else if (stream->close_wanted || now_ns_ >= stream->deadline_ns) {
    drop(&stream->pcb);
    fail(stream, stream->close_wanted ? RISE_CLOSED_BY_US : RISE_CLOSED_TIMEOUT);
  } else {
    slow_down(stream->pcb);
  }
}

void TcpStreams::attend(Stream* stream) {
  if (stream->state == State::Connecting) return attend_connecting(stream);
  if (stream->pcb == nullptr) {
    return finish(stream, stream->state == State::Open ? RISE_CLOSED_RESET : stream->reason);
  }
  if (stream->handed_on != 0) {  // at most TCP_WND
    ::tcp_recved(stream->pcb, static_cast<u16_t>(stream->handed_on));
    stream->handed_on = 0;
  }
  keep_segments_equal(stream->pcb, stream->longest);
  if (stream->ended && stream->state == State::Open) drain(stream, RISE_CLOSED_BY_PEER);
  if (stream->out.waiting() != 0) write(stream);
  if (stream->state != State::Draining) return;
  if (stream->deadline_ns == 0) stream->deadline_ns = now_ns_ + kDrainLimitNs;
  if (stream->out.empty()) {
    release(&stream->pcb);
    finish(stream, stream->reason);
  } else if (now_ns_ >= stream->deadline_ns) {
    drop(&stream->pcb);
    finish(stream, stream->reason);
  }
}

void TcpStreams::write(Stream* stream) {
  for (int piece = 0; piece < 2 && stream->out.waiting() != 0; ++piece) {  // it wraps at most once
    std::uint32_t length = 0;
    const std::uint8_t* bytes = stream->out.next(&length);
    length = std::min<std::uint32_t>(length, tcp_sndbuf(stream->pcb));
    const bool more = length < stream->out.waiting();
    // Not copied: the queue keeps them until on_acknowledged().
    if (length == 0 || ::tcp_write(stream->pcb, bytes, static_cast<u16_t>(length),
                                   more ? TCP_WRITE_FLAG_MORE : 0) != ERR_OK) {
      break;  // too many parts under way; again when some are acknowledged
    }
    stream->out.take(length);
    counters_.bytes_sent += length;
  }
  ::tcp_output(stream->pcb);
}

void TcpStreams::drain(Stream* stream, std::int32_t reason) {
  stream->state = State::Draining;
  stream->reason = reason;
  stream->deadline_ns = 0;  // set in the step, which knows the time
}

void TcpStreams::fail(Stream* stream, std::int32_t reason) {
  ++counters_.failed;
  finish(stream, reason);
}

void TcpStreams::finish(Stream* stream, std::int32_t reason) {
  const std::int32_t id = number(*stream);
  stream->state = State::Free;
  free_.push_back(id);
  sink_.on_closed(sink_.self, stream->owner, id, reason, now_ns_);
}

std::string TcpStreams::figures() const {
  std::string out;
  const auto add = [&](const char* name, std::uint64_t value) {
    out += std::string(out.empty() ? "" : " ") + name + "=" + std::to_string(value);
  };
  add("tcp_streams", streams_.size() - free_.size());
  add("tcp_segments_in", lwip_stats.tcp.recv);
  add("tcp_segments_out", lwip_stats.tcp.xmit);
  // And questions to shut windows. lwIP also counts what found no room to leave.
  const std::uint64_t first = lwip_stats.mib2.tcpoutsegs;
  add("tcp_sent_again", numbered_ > first ? numbered_ - first : 0);
  add("tcp_refused", lwip_stats.tcp.drop + lwip_stats.tcp.lenerr + lwip_stats.tcp.proterr);
  add("tcp_no_memory", lwip_stats.tcp.memerr + lost_);
  add("tcp_unsent", unsent_);
  add("tcp_faults", faults);
  return out;
}

TcpStack TcpStreams::table() {
  TcpStack out;
  out.self = this;
  out.input = [](void* self, packet::Bytes packet, std::int64_t now_ns) {
    static_cast<TcpStreams*>(self)->input(packet, now_ns);
  };
  out.step = [](void* self, std::int64_t now_ns) { static_cast<TcpStreams*>(self)->step(now_ns); };
  out.end = [](void* self, std::int64_t now_ns) {
    static_cast<TcpStreams*>(self)->end(now_ns);
    delete static_cast<TcpStreams*>(self);
  };
  out.figures = [](const void* self) { return static_cast<const TcpStreams*>(self)->figures(); };
  out.port.self = this;
  out.port.open = [](void* self, std::uint32_t owner, const char* host, std::uint16_t port,
                     std::uint32_t timeout_ms) {
    return static_cast<TcpStreams*>(self)->open(owner, host, port, timeout_ms);
  };
  out.port.send = [](void* self, std::int32_t stream, const std::uint8_t* bytes,
                     std::uint32_t length) {
    return static_cast<TcpStreams*>(self)->send(stream, bytes, length);
  };
  out.port.close = [](void* self, std::int32_t stream) {
    return static_cast<TcpStreams*>(self)->close(stream);
  };
  out.port.exchange = [](void* self, std::int64_t now_ns) {
    const TcpLink& link = static_cast<TcpStreams*>(self)->link_;
    link.exchange(link.self, now_ns);
  };
  out.port.counters = &counters_;
  return out;
}

std::string make_tcp(const TcpSettings& settings, TcpStack* out) {
  if (instance != nullptr) {
    return "only one device of a program can carry TCP over DPDK, and another one does already";
  }
  if (settings.capacity == 0 || settings.capacity > RISE_TCP_STREAMS) {
    return "TCP over DPDK has 1.." + std::to_string(RISE_TCP_STREAMS) + " streams, not " +
           std::to_string(settings.capacity) + "; let some machines go through the kernel";
  }
  SecretKey key{};
  if (::getrandom(key.data(), sizeof key, 0) != static_cast<ssize_t>(sizeof key)) {
    return "the kernel has no random numbers for TCP's sequence numbers";
  }
  *out = (new TcpStreams(settings, key))->table();
  return {};
}

}  // namespace rise::io::dpdk

extern "C" {

void rise_lwip_fault(const char* text) {
  ++rise::io::dpdk::faults;
  rise::io::dpdk::last_fault = text;
}

const char* rise_lwip_last_fault(void) { return rise::io::dpdk::last_fault; }

std::uint32_t rise_lwip_random(void) {
  return rise::io::dpdk::instance != nullptr ? rise::io::dpdk::instance->random() : 0;
}

u32_t rise_lwip_first_sequence(const ip_addr_t* local, u16_t local_port, const ip_addr_t* remote,
                               u16_t remote_port) {
  return rise::io::dpdk::instance->first_sequence(
      local->addr, remote->addr, static_cast<std::uint32_t>(local_port << 16 | remote_port));
}

}  // extern "C"
