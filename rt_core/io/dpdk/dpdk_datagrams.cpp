#include "rt_core/io/dpdk/dpdk_datagrams.hpp"

#include <rte_lcore.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace rise::io::dpdk {

namespace {

packet::Room room_of(rte_mbuf* frame) {
  return {rte_pktmbuf_mtod(frame, std::uint8_t*), rte_pktmbuf_tailroom(frame)};
}

void set_length(rte_mbuf* frame, std::size_t bytes) {
  frame->data_len = static_cast<std::uint16_t>(bytes);
  frame->pkt_len = static_cast<std::uint32_t>(bytes);
}

// The pool's cache belongs to the thread's number in DPDK, and numbers are few: given back when the
// lane's thread ends.
struct Registration {
  bool mine = false;
  ~Registration() {
    if (mine) ::rte_thread_unregister();
  }
};
thread_local Registration registration;

}  // namespace

DpdkDatagrams::DpdkDatagrams(std::unique_ptr<Device> device, const EndpointSettings& settings,
                             const DatagramSink& sink)
    : device_(std::move(device)),
      sink_(sink),
      endpoint_(settings),
      segments_(device_.get(), &endpoint_) {}

DpdkDatagrams::~DpdkDatagrams() {
  // Peers of streams that nobody has closed hear of the end now.
  segments_.end(exchanged_ns_);
  if (started_) {
    first_ = end_ = kOwnPerExchange;
    gather_segments();
    transmit();
  }
  for (Port& port : ports_) {
    for (std::uint32_t i = 0; i < port.count; ++i) ::rte_pktmbuf_free(port.waiting[i].frame);
  }
}

std::int32_t DpdkDatagrams::declare(std::uint32_t owner, const DatagramSpec& spec,
                                    std::string* error) {
  const std::int32_t number = endpoint_.declare(spec, error);
  if (number < 0) return number;
  ports_.emplace_back();
  ports_.back().owner = owner;
  return number;
}

void DpdkDatagrams::make_room() {
  leaving_.resize(kOwnPerExchange + ports_.size() * kDatagramSendSlots +
                  (segments_.is_open() ? DpdkSegments::kPerExchange : 0));
}

std::string DpdkDatagrams::ready() {
  if (started_) return {};
  make_room();
  std::string fault = device_->start(endpoint_.wants_groups());
  started_ = fault.empty();
  return fault;
}

std::string DpdkDatagrams::open_streams(std::uint32_t capacity, const StreamSink& sink,
                                        StreamPort* out) {
  const auto exchange = [](void* self, std::int64_t now_ns) {
    static_cast<DpdkDatagrams*>(self)->exchange(now_ns);
  };
  std::string fault = segments_.open(capacity, sink, {this, exchange}, out);
  if (fault.empty()) fault = ready();
  if (!fault.empty()) return fault;
  make_room();  // it may have been ready before
  out->start = [](void*) { return register_thread(); };
  return {};
}

bool DpdkDatagrams::register_thread() {
  if (::rte_lcore_id() != LCORE_ID_ANY) return true;  // for another device of this lane
  if (::rte_thread_register() != 0) return false;
  registration.mine = true;
  return true;
}

std::int32_t DpdkDatagrams::send(std::int32_t number, const rise_endpoint& to,
                                 const std::uint8_t* bytes, std::uint32_t length) {
  if (number < 0 || static_cast<std::size_t>(number) >= ports_.size() || to.port == 0 ||
      length > RISE_DATAGRAM_MAX) {
    return RISE_E_ARGUMENT;
  }
  Port& port = ports_[static_cast<std::size_t>(number)];
  rte_mbuf* frame = port.count < kDatagramSendSlots ? device_->allocate() : nullptr;
  if (frame == nullptr) {
    ++counters_.send_queue_full;
    return RISE_E_AGAIN;
  }
  if (length != 0) {
    std::memcpy(rte_pktmbuf_mtod_offset(frame, std::uint8_t*, endpoint_.header_bytes()), bytes,
                length);
  }
  port.waiting[port.count++] = {frame, to, length, 0};
  ++waiting_;
  return RISE_OK;
}

// Receive first: answers, and what drivers send because of what they have just heard, leave with
// the same burst.
void DpdkDatagrams::exchange(std::int64_t now_ns) {
  if (now_ns == exchanged_ns_) return;  // the other port's in the same cycle
  exchanged_ns_ = now_ns;
  first_ = end_ = kOwnPerExchange;
  receive(now_ns);
  for (std::size_t i = 0; waiting_ != 0 && i < ports_.size(); ++i) {
    if (ports_[i].count != 0) gather(&ports_[i], static_cast<std::int32_t>(i), now_ns);
  }
  segments_.step(now_ns);
  gather_own(now_ns);
  gather_segments();
  if (first_ != end_) transmit();
  counters_.dropped = device_->dropped();
}

void DpdkDatagrams::receive(std::int64_t now_ns) {
  rte_mbuf* frames[kBurst];
  for (std::uint32_t taken = 0; taken < kDatagramsPerExchange; taken += kBurst) {
    const std::uint16_t count = device_->receive(frames, kBurst);
    for (std::uint16_t i = 0; i < count; ++i) {
      if (i + 1 < count) rte_prefetch0(rte_pktmbuf_mtod(frames[i + 1], void*));
      take(frames[i], now_ns);
    }
    ::rte_pktmbuf_free_bulk(frames, count);
    if (count < kBurst) return;
  }
}

void DpdkDatagrams::take(rte_mbuf* frame, std::int64_t now_ns) {
  if (frame->nb_segs != 1) {  // longer than a buffer: no frame of 1500 bytes
    ++counters_.malformed;
    return;
  }
  const packet::Bytes bytes(rte_pktmbuf_mtod(frame, const std::uint8_t*),
                            rte_pktmbuf_data_len(frame));
  // Most frames need no answer: where it would go is on the stack, a buffer is taken only for one.
  std::uint8_t answer[RTE_MBUF_DEFAULT_DATAROOM];
  const packet::Room room(answer, first_ != 0 ? sizeof answer : 0);
  const FrameEndpoint::Received received = endpoint_.receive(bytes, room, now_ns);
  switch (received.meaning) {
    case FrameEndpoint::Meaning::Nothing: break;
    case FrameEndpoint::Meaning::Refused: ++counters_.malformed; break;
    case FrameEndpoint::Meaning::Datagram: deliver(received, now_ns); break;
    case FrameEndpoint::Meaning::Segment: segments_.input(received.payload, now_ns); break;
    case FrameEndpoint::Meaning::Answer: push_own(answer, received.reply_bytes); break;
  }
}

// False: this exchange sends no more of our own frames; what was lost is asked for again.
bool DpdkDatagrams::push_own(const std::uint8_t* bytes, std::size_t length) {
  rte_mbuf* frame = first_ != 0 ? device_->allocate() : nullptr;
  if (frame == nullptr) return false;
  std::memcpy(rte_pktmbuf_mtod(frame, std::uint8_t*), bytes, length);
  set_length(frame, length);
  leaving_[--first_] = frame;
  return true;
}

void DpdkDatagrams::deliver(const FrameEndpoint::Received& received, std::int64_t now_ns) {
  ++counters_.received;
  std::copy(received.payload.begin(), received.payload.end(), payload_.begin());
  rise_datagram datagram{};
  datagram.struct_size = sizeof datagram;
  datagram.length = static_cast<std::uint32_t>(received.payload.size());
  datagram.bytes = payload_.data();
  datagram.from = received.from;
  sink_.on_datagram(sink_.self, ports_[static_cast<std::size_t>(received.port)].owner,
                    received.port, datagram, now_ns);
}

void DpdkDatagrams::gather_own(std::int64_t now_ns) {
  while (first_ != 0) {
    std::uint8_t bytes[FrameEndpoint::kMinReply];
    const std::size_t length = endpoint_.next_own(bytes, now_ns);
    if (length == 0 || !push_own(bytes, length)) return;
  }
}

// What can leave leaves; what waits for an Ethernet address stays, and holds up nobody else.
void DpdkDatagrams::gather(Port* port, std::int32_t number, std::int64_t now_ns) {
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < port->count; ++i) {
    Waiting waiting = port->waiting[i];
    packet::Mac mac;
    const FrameEndpoint::Route route = endpoint_.route(waiting.to.address, now_ns, &mac);
    if (route == FrameEndpoint::Route::Ready) {
      set_length(waiting.frame, endpoint_.frame_datagram(room_of(waiting.frame), number, waiting.to,
                                                         mac, waiting.length));
      leaving_[end_++] = waiting.frame;
      continue;
    }
    if (waiting.since_ns == 0) waiting.since_ns = now_ns;
    if (route == FrameEndpoint::Route::None || now_ns - waiting.since_ns > kPatienceNs) {
      ::rte_pktmbuf_free(waiting.frame);
      ++counters_.send_failed;
      continue;
    }
    port->waiting[kept++] = waiting;
  }
  waiting_ -= port->count - kept;
  port->count = kept;
}

// Behind the datagrams, so that these are counted by where the burst broke off.
void DpdkDatagrams::gather_segments() {
  datagrams_end_ = end_;
  for (rte_mbuf* frame : segments_.leaving()) leaving_[end_++] = frame;
  segments_.forget();
}

void DpdkDatagrams::transmit() {
  std::uint32_t next = first_;
  while (next != end_) {
    const std::uint16_t count =
        device_->transmit(&leaving_[next], static_cast<std::uint16_t>(end_ - next));
    if (count == 0) break;  // the ring is full: what is old in the next cycle would be of no use
    next += count;
  }
  ::rte_pktmbuf_free_bulk(&leaving_[next], end_ - next);
  const std::uint32_t sent = std::clamp(next, kOwnPerExchange, datagrams_end_) - kOwnPerExchange;
  counters_.sent += sent;
  counters_.send_failed += datagrams_end_ - kOwnPerExchange - sent;
}

DatagramPort DpdkDatagrams::table() {
  DatagramPort port;
  port.self = this;
  port.start = [](void*) { return register_thread(); };
  port.send = [](void* self, std::int32_t number, const rise_endpoint& to,
                 const std::uint8_t* bytes, std::uint32_t length) {
    return static_cast<DpdkDatagrams*>(self)->send(number, to, bytes, length);
  };
  port.exchange = [](void* self, std::int64_t now_ns) {
    static_cast<DpdkDatagrams*>(self)->exchange(now_ns);
  };
  port.counters = &counters_;
  return port;
}

}  // namespace rise::io::dpdk
