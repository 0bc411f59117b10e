#include "drivers/focas/session.hpp"

namespace rise::focas {

using wire::Bytes;
using wire::Fault;
using wire::FrameType;

namespace {

constexpr std::int64_t kCloseTimeout_ns = 200'000'000;
// A connect that the host itself does not end: the timeout given to it, and some time for its
// helper.
constexpr std::int64_t kConnectSlack_ns = 1'000'000'000;
// A session opened with payload 2 carries data requests.
constexpr std::uint16_t kDataConnection = 2;

const char* closed_text(std::int32_t reason) {
  switch (reason) {
    case RISE_CLOSED_BY_PEER: return "closed by the control";
    case RISE_CLOSED_REFUSED: return "connection refused or unreachable";
    case RISE_CLOSED_TIMEOUT: return "connect timed out";
    case RISE_CLOSED_RESET: return "connection reset";
    case RISE_CLOSED_OVERFLOW: return "control does not take requests";
    default: return "closed";
  }
}

}  // namespace

void Session::configure(const rise_host* host, const Settings* settings,
                        const SessionEvents& events) {
  host_ = host;
  settings_ = settings;
  events_ = events;
}

bool Session::connect(const Endpoint& endpoint, std::int64_t now_ns) {
  if (state_ != State::Down || stream_ >= 0) return false;
  stream_ = host_->stream_open(host_->context, endpoint.host.c_str(), endpoint.port,
                               settings_->connect_timeout_ms);
  if (stream_ < 0) return false;
  state_ = State::Connecting;
  stream_closing_ = false;
  close_wanted_ = false;
  down_reason_ = nullptr;
  assembler_.clear();
  assembler_.set_limit(wire::kLargestFrame);
  deadline_ns_ =
      now_ns + std::int64_t{settings_->connect_timeout_ms} * 1'000'000 + kConnectSlack_ns;
  return true;
}

void Session::on_open(std::int64_t now_ns) {
  if (state_ != State::Connecting) return;  // given up already: nothing is opened on the control
  state_ = State::Opening;
  wire::FrameWriter writer(request_, wire::kClientVersion, FrameType::OpenRequest);
  writer.add_u16(kDataConnection);
  send(writer.finish(), now_ns);
}

wire::FrameWriter Session::begin_request() {
  return {request_, wire::kClientVersion, FrameType::DataRequest};
}

bool Session::send_request(wire::FrameWriter* writer, std::int64_t now_ns) {
  if (!ready() || writer->blocks() == 0) return false;
  state_ = State::Waiting;
  send(writer->finish(), now_ns);
  return state_ == State::Waiting;
}

void Session::send(Bytes frame, std::int64_t now_ns) {
  request_bytes_ = frame.size();
  sent_ns_ = now_ns;
  deadline_ns_ = now_ns + settings_->reply_timeout_ns;
  const std::int32_t rc = host_->stream_send(host_->context, stream_, frame.data(),
                                             static_cast<std::uint32_t>(frame.size()));
  if (rc != RISE_OK) {
    fail("request could not be queued");
    return;
  }
  count(RISE_COUNT_SENT);
}

bool Session::send_simple(FrameType type, std::int64_t now_ns) {
  wire::FrameWriter writer(request_, wire::kClientVersion, type);
  send(writer.finish(), now_ns);
  return !stream_closing_;
}

void Session::close(std::int64_t now_ns) {
  switch (state_) {
    case State::Down:
    case State::Closing: return;
    case State::Ready:
      // Sessions are scarce on a control: it should know at once that this one is free.
      state_ = State::Closing;
      down_reason_ = "closed by us";
      if (send_simple(FrameType::CloseRequest, now_ns)) deadline_ns_ = now_ns + kCloseTimeout_ns;
      return;
    case State::Connecting: fail("closed by us"); return;
    default: close_wanted_ = true; return;  // after the reply that is under way
  }
}

void Session::tick(std::int64_t now_ns) {
  if (state_ == State::Down || state_ == State::Ready || stream_closing_ || now_ns < deadline_ns_)
    return;
  if (state_ == State::Closing) {
    fail("closed by us");
    return;
  }
  count(RISE_COUNT_TIMEOUTS);
  fail(state_ == State::Connecting ? "connect timed out"
       : state_ == State::Opening  ? "no answer to the open"
                                   : "no reply in time");
}

void Session::on_bytes(Bytes bytes, std::int64_t now_ns) {
  while (!bytes.empty() && !stream_closing_ && state_ != State::Down) {
    if (state_ == State::Ready) {
      // Nothing was asked, so nothing may come, not even a piece: it would be taken for the
      // beginning of the next answer.
      count(RISE_COUNT_BAD_FRAMES);
      fail("bytes without a request");
      return;
    }
    bytes = bytes.subspan(assembler_.feed(bytes));
    if (assembler_.fault() != Fault::None) {
      count(RISE_COUNT_BAD_FRAMES);
      fail(wire::fault_name(assembler_.fault()));
      return;
    }
    if (!assembler_.complete()) return;
    if (!bytes.empty()) {
      // One request, one reply: what follows was never asked for, and would be taken for the next
      // answer.
      count(RISE_COUNT_BAD_FRAMES);
      fail("more bytes than one reply");
      return;
    }
    handle(assembler_.frame(), now_ns);
    assembler_.clear();
    if (close_wanted_ && state_ == State::Ready) close(now_ns);
  }
}

void Session::handle(const wire::Frame& frame, std::int64_t now_ns) {
  count(RISE_COUNT_RECEIVED);
  switch (state_) {
    case State::Opening: open_replied(frame, now_ns); return;
    case State::Informing: informed(frame, now_ns); return;
    case State::Waiting: replied(frame, now_ns); return;
    case State::Closing:
      if (frame.header.type == FrameType::CloseReply) fail("closed by us");
      return;
    default: return;  // Ready takes no bytes, Down and Connecting have no stream
  }
}

void Session::open_replied(const wire::Frame& frame, std::int64_t now_ns) {
  if (frame.header.type == FrameType::OpenRefused) {
    count(RISE_COUNT_TIMEOUTS);
    fail("control refused the session (all in use?)");
    return;
  }
  if (frame.header.type != FrameType::OpenReply || !read_open_reply(frame, &info_)) {
    count(RISE_COUNT_BAD_FRAMES);
    fail("open reply is malformed");
    return;
  }
  assembler_.set_limit(wire::largest_reply(info_.version));
  state_ = State::Informing;
  wire::FrameWriter writer = begin_request();
  wire::RequestBlock block;
  block.command = static_cast<std::uint16_t>(wire::Command::SystemInfo);
  writer.add(block);
  send(writer.finish(), now_ns);
}

void Session::informed(const wire::Frame& frame, std::int64_t now_ns) {
  wire::ReplyBlock block;
  if (frame.header.type != FrameType::DataReply || !reply_matches_request(frame.body)) {
    count(RISE_COUNT_BAD_FRAMES);
    fail("reply to the system information is malformed");
    return;
  }
  wire::ReplyReader reader(frame.body);
  reader.next(&block);
  if (block.status != wire::Status::Ok) {
    fail("control refused its system information");
    return;
  }
  if (!read_system_info(block.data, &info_)) {
    count(RISE_COUNT_BAD_FRAMES);
    fail("system information is too short");
    return;
  }
  host_->round_trip(host_->context, now_ns - sent_ns_);
  state_ = State::Ready;
  if (close_wanted_) return;  // nobody is to begin anything with it; on_bytes closes it
  events_.on_ready(events_.self, this, now_ns);
}

void Session::replied(const wire::Frame& frame, std::int64_t now_ns) {
  if (frame.header.type == FrameType::DataError) {
    wire::Negative why;
    if (!wire::read_negative(frame.body, &why)) {
      count(RISE_COUNT_BAD_FRAMES);
      fail("error frame is malformed");
      return;
    }
    state_ = State::Ready;
    events_.on_refused(events_.self, this, why, now_ns);
    return;
  }
  if (frame.header.type != FrameType::DataReply || !reply_matches_request(frame.body)) {
    count(RISE_COUNT_BAD_FRAMES);
    fail("reply does not match the request");
    return;
  }
  host_->round_trip(host_->context, now_ns - sent_ns_);
  // Every answer shows that the control lives: none more, but the time of the last is now.
  host_->count(host_->context, RISE_COUNT_HEARTBEATS, 0);
  state_ = State::Ready;
  if (!events_.on_reply(events_.self, this, frame.body, now_ns)) {
    count(RISE_COUNT_BAD_FRAMES);
    fail("reply has an impossible content");
  }
}

// Walks request and reply side by side: same count, same device, path and command, place by place,
// and every length in the reply adds up.
bool Session::reply_matches_request(Bytes body) const {
  wire::RequestReader asked(Bytes(request_, request_bytes_).subspan(wire::kHeaderBytes));
  wire::ReplyReader answered(body);
  if (asked.count() != answered.count()) return false;
  wire::RequestBlock question;
  wire::ReplyBlock answer;
  while (asked.next(&question)) {
    if (!answered.next(&answer) || answer.device != question.device ||
        answer.path != question.path || answer.command != question.command) {
      return false;
    }
  }
  return !answered.next(&answer) && answered.fault() == Fault::None;
}

void Session::fail(const char* reason) {
  if (stream_closing_ || stream_ < 0) return;
  stream_closing_ = true;
  state_ = State::Closing;  // nobody may ask anything on this session any more
  if (down_reason_ == nullptr) down_reason_ = reason;
  // While connecting, too: on_closed follows in any case.
  host_->stream_close(host_->context, stream_);
}

void Session::on_closed(std::int32_t reason, std::int64_t now_ns) {
  stream_ = -1;
  if (state_ == State::Down) return;
  // What ended by itself while we waited: torn within an answer, or a question without one.
  const bool waited = state_ == State::Connecting || state_ == State::Opening ||
                      state_ == State::Informing || state_ == State::Waiting;
  if (waited && !stream_closing_ && reason != RISE_CLOSED_BY_US) {
    count(assembler_.empty() ? RISE_COUNT_TIMEOUTS : RISE_COUNT_BAD_FRAMES);
  }
  state_ = State::Down;
  const char* text = down_reason_ != nullptr ? down_reason_ : closed_text(reason);
  events_.on_down(events_.self, this, text, now_ns);
}

}  // namespace rise::focas
