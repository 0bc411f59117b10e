#include "rt_core/io/dpdk/dpdk_segments.hpp"

namespace rise::io::dpdk {

DpdkSegments::~DpdkSegments() {
  for (rte_mbuf* frame : leaving_) ::rte_pktmbuf_free(frame);
}

std::string DpdkSegments::open(std::uint32_t capacity, const StreamSink& sink,
                               const Exchange& exchange, StreamPort* port) {
  if (is_open()) return "the streams of this device are given to somebody already";
  TcpSettings settings;
  settings.address = endpoint_->settings().address;
  settings.prefix = endpoint_->settings().prefix;
  settings.capacity = capacity;
  settings.sink = sink;
  settings.link.self = this;
  settings.link.route = [](void* self, std::uint32_t to, std::int64_t now_ns) {
    packet::Mac mac;
    return static_cast<DpdkSegments*>(self)->route(to, false, now_ns, &mac);
  };
  settings.link.room = [](void* self, std::uint32_t to, std::uint32_t bytes, bool answer,
                          std::int64_t now_ns) {
    return static_cast<DpdkSegments*>(self)->room(to, bytes, answer, now_ns);
  };
  exchange_ = exchange;
  settings.link.exchange = [](void* self, std::int64_t now_ns) {
    const Exchange& whole = static_cast<DpdkSegments*>(self)->exchange_;
    whole.call(whole.self, now_ns);
  };
  if (std::string fault = make_tcp(settings, &stack_); !fault.empty()) return fault;
  leaving_.reserve(kPerExchange);
  endpoint_->take_segments();
  *port = stack_.port;
  return {};
}

void DpdkSegments::end(std::int64_t now_ns) {
  if (is_open()) stack_.end(stack_.self, now_ns);
  stack_ = {};
}

std::string DpdkSegments::figures() const { return is_open() ? stack_.figures(stack_.self) : ""; }

TcpLink::Route DpdkSegments::route(std::uint32_t to, bool answer, std::int64_t now_ns,
                                   packet::Mac* mac) {
  switch (endpoint_->route(to, now_ns, mac, answer)) {
    case FrameEndpoint::Route::Unknown: return TcpLink::Route::Unknown;
    case FrameEndpoint::Route::None: return TcpLink::Route::None;
    case FrameEndpoint::Route::Ready: break;
  }
  // A broadcast is no peer, whoever has put it into a packet as its sender.
  return mac->is_group() ? TcpLink::Route::None : TcpLink::Route::Ready;
}

std::uint8_t* DpdkSegments::room(std::uint32_t to, std::uint32_t bytes, bool answer,
                                 std::int64_t now_ns) {
  packet::Mac mac;
  if (leaving_.size() == kPerExchange || route(to, answer, now_ns, &mac) != TcpLink::Route::Ready) {
    return nullptr;
  }
  rte_mbuf* frame = device_->allocate();
  if (frame == nullptr) return nullptr;
  const std::size_t whole = endpoint_->link_bytes() + bytes;
  const packet::Room space(rte_pktmbuf_mtod(frame, std::uint8_t*), rte_pktmbuf_tailroom(frame));
  if (whole > space.size()) {
    ::rte_pktmbuf_free(frame);
    return nullptr;
  }
  endpoint_->frame_packet(space, mac);
  frame->data_len = static_cast<std::uint16_t>(whole);
  frame->pkt_len = static_cast<std::uint32_t>(whole);
  leaving_.push_back(frame);
  return space.data() + endpoint_->link_bytes();
}

}  // namespace rise::io::dpdk
