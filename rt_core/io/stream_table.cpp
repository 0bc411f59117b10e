#include "rt_core/io/stream_table.hpp"

#include <unistd.h>

#include <bit>
#include <cstring>

#include "drivers/sdk/rise_driver.h"

namespace rise::io {

static_assert(std::has_single_bit(kSendQueueBytes));

void ByteQueue::append(const std::uint8_t* bytes, std::uint32_t length) {
  const std::uint32_t at = tail_ & (kSendQueueBytes - 1);
  const std::uint32_t first = length < kSendQueueBytes - at ? length : kSendQueueBytes - at;
  std::memcpy(memory_ + at, bytes, first);
  std::memcpy(memory_, bytes + first, length - first);
  tail_ += length;
}

const std::uint8_t* ByteQueue::front(std::uint32_t* length) const {
  const std::uint32_t at = head_ & (kSendQueueBytes - 1);
  const std::uint32_t waiting = tail_ - head_;
  *length = waiting < kSendQueueBytes - at ? waiting : kSendQueueBytes - at;
  return memory_ + at;
}

StreamTable::StreamTable(std::uint32_t capacity, const StreamSink& sink)
    : sink_(sink),
      streams_(capacity),
      send_memory_(std::size_t{capacity} * kSendQueueBytes),
      connector_(capacity) {
  free_.reserve(capacity);
  work_.reserve(std::size_t{capacity} * 2);
  for (std::uint32_t i = 0; i < capacity; ++i) {
    streams_[i].out.attach(send_memory_.data() + std::size_t{i} * kSendQueueBytes);
    free_.push_back(static_cast<std::int32_t>(capacity - 1 - i));
  }
}

// The peers of streams that nobody closed hear of the end now.
StreamTable::~StreamTable() {
  connector_.stop();
  for (const Stream& stream : streams_) {
    // When Closing, the descriptor was the connector's.
    if (stream.fd >= 0 && stream.state != StreamState::Closing) hang_up(stream.fd);
  }
}

std::int32_t StreamTable::open(std::uint32_t owner, const char* host, std::uint16_t port,
                               std::uint32_t timeout_ms) {
  const std::size_t length = ::strnlen(host, kMaxHostLength + 1);
  if (length == 0 || length > kMaxHostLength) return RISE_E_ARGUMENT;
  if (free_.empty()) return RISE_E_LIMIT;
  const std::int32_t id = free_.back();
  ConnectorRequest request;
  request.kind = ConnectorRequest::Kind::Open;
  request.stream = id;
  request.timeout_ms = timeout_ms;
  request.port = port;
  std::memcpy(request.host, host, length);
  if (!connector_.request(request)) return RISE_E_AGAIN;
  free_.pop_back();
  Stream& stream = at(id);
  stream.state = StreamState::Connecting;
  stream.sending = stream.receiving = stream.close_wanted = false;
  stream.operations = 0;
  stream.held = 0;
  stream.fd = -1;
  stream.reason = RISE_CLOSED_BY_US;
  stream.owner = owner;
  stream.out.clear();
  return id;
}

std::int32_t StreamTable::send(std::int32_t id, const std::uint8_t* bytes, std::uint32_t length) {
  if (!valid(id) || at(id).state != StreamState::Open) return RISE_E_CLOSED;
  Stream& stream = at(id);
  if (length > stream.out.room()) {
    ++counters_.send_queue_full;
    return RISE_E_AGAIN;
  }
  stream.out.append(bytes, length);
  queue_work(id);
  return RISE_OK;
}

std::int32_t StreamTable::close(std::int32_t id) {
  if (!valid(id)) return RISE_E_CLOSED;
  Stream& stream = at(id);
  switch (stream.state) {
    case StreamState::Connecting:
    case StreamState::Installing: stream.close_wanted = true; return RISE_OK;
    case StreamState::Open:
      stream.state = StreamState::Draining;
      stream.reason = RISE_CLOSED_BY_US;
      stream.drain_until_ns = 0;  // set by the next pump, which knows the time
      ++draining_;
      queue_work(id);
      return RISE_OK;
    default: return RISE_E_CLOSED;
  }
}

void StreamTable::queue_work(std::int32_t id) {
  Stream& stream = at(id);
  if (stream.queued) return;
  stream.queued = true;
  work_.push_back(id);  // reserved for every stream: never allocates
}

std::int32_t StreamTable::take_work(std::uint32_t i) {
  at(work_[i]).queued = false;
  return work_[i];
}

void StreamTable::drop_work(std::uint32_t n) {
  work_.erase(work_.begin(), work_.begin() + static_cast<std::ptrdiff_t>(n));
}

void StreamTable::tell(ConnectorRequest::Kind kind, std::int32_t id) {
  ConnectorRequest request;
  request.kind = kind;
  request.stream = id;
  request.fd = at(id).fd;
  // Never full: each stream has at most one request of each kind under way.
  [[maybe_unused]] const bool pushed = connector_.request(request);
}

void StreamTable::pump(std::int64_t now_ns) {
  ConnectorResult result;
  for (std::uint32_t i = 0; i < capacity() * 4 && connector_.result(&result); ++i) {
    Stream& stream = at(result.stream);
    switch (result.kind) {
      case ConnectorResult::Kind::Opened:
        stream.fd = result.fd;
        if (stream.close_wanted) {
          stream.state = StreamState::Closing;
          tell(ConnectorRequest::Kind::Close, result.stream);
        } else {
          stream.state = StreamState::Installing;
          queue_work(result.stream);
        }
        break;
      case ConnectorResult::Kind::Failed:
        ++counters_.failed;
        finish(result.stream, stream.close_wanted ? RISE_CLOSED_BY_US : result.reason, now_ns);
        break;
      case ConnectorResult::Kind::Closed: finish(result.stream, stream.reason, now_ns); break;
    }
  }
  if (draining_ == 0) return;
  for (std::uint32_t i = 0; i < capacity(); ++i) {
    Stream& stream = streams_[i];
    if (stream.state != StreamState::Draining) continue;
    if (stream.drain_until_ns == 0) stream.drain_until_ns = now_ns + kDrainLimit_ns;
    if (now_ns >= stream.drain_until_ns) drained(static_cast<std::int32_t>(i));
  }
}

void StreamTable::installed(std::int32_t id, std::int64_t now_ns) {
  Stream& stream = at(id);
  stream.state = StreamState::Open;
  ++counters_.opened;
  queue_work(id);
  sink_.on_open(sink_.self, stream.owner, id, now_ns);
  if (stream.close_wanted) close(id);
}

void StreamTable::received(std::int32_t id, const std::uint8_t* bytes, std::uint32_t length,
                           std::int64_t now_ns) {
  counters_.bytes_received += length;
  if (at(id).state != StreamState::Open) return;  // we are closing: nobody is interested
  sink_.on_bytes(sink_.self, at(id).owner, id, bytes, length, now_ns);
}

void StreamTable::drained(std::int32_t id) {
  at(id).state = StreamState::ShuttingDown;
  --draining_;
  tell(ConnectorRequest::Kind::Shutdown, id);
}

void StreamTable::ended(std::int32_t id, std::int32_t reason) {
  Stream& stream = at(id);
  if (stream.state == StreamState::Removing || stream.state == StreamState::Closing) return;
  if (stream.state == StreamState::Draining) --draining_;
  if (stream.state == StreamState::Open || stream.state == StreamState::Installing) {
    stream.reason = reason;
  }
  // What the port still has under way (a send that waits for room in the peer's window, a receive
  // on a socket that is not dead) would keep the stream here for ever: end it. ShuttingDown has
  // been told already.
  if (stream.state != StreamState::ShuttingDown && stream.operations != 0) {
    tell(ConnectorRequest::Kind::Shutdown, id);
  }
  stream.state = StreamState::Removing;
  queue_work(id);
}

void StreamTable::removed(std::int32_t id) {
  at(id).state = StreamState::Closing;
  tell(ConnectorRequest::Kind::Close, id);
}

void StreamTable::finish(std::int32_t id, std::int32_t reason, std::int64_t now_ns) {
  Stream& stream = at(id);
  stream.state = StreamState::Free;
  stream.fd = -1;
  free_.push_back(id);
  sink_.on_closed(sink_.self, stream.owner, id, reason, now_ns);
}

}  // namespace rise::io
