#include "drivers/focas/simulator/protocol/sessions.hpp"

#include <algorithm>
#include <array>

#include "drivers/focas/simulator/protocol/open_reply.hpp"

namespace rise::cncsim {

namespace {

using focas::wire::Bytes;
using focas::wire::Fault;
using focas::wire::Frame;
using focas::wire::FrameType;
using focas::wire::FrameWriter;
using focas::wire::kHeaderBytes;

constexpr std::uint32_t kSlotBits = 12;  // of a connection's number; the rest is a generation
constexpr std::uint32_t kSlotMask = (1u << kSlotBits) - 1;

// A client that sends requests and takes no replies is cut off here.
constexpr std::size_t kMostWaitingBytes = 16u << 20;

bool is_transfer(FrameType type) {
  switch (type) {
    case FrameType::DownloadStart:
    case FrameType::DownloadData:
    case FrameType::DownloadEnd:
    case FrameType::UploadStart:
    case FrameType::UploadAcknowledge:
    case FrameType::UploadAbort: return true;
    default: return false;
  }
}

}  // namespace

Sessions::Sessions(Control& control, const SessionSpec& spec)
    : control_(control),
      spec_(spec),
      dispatcher_(control),
      faults_(control.spec().seed),
      random_(control.spec().seed ^ 0x5e55105e55105e55ULL) {
  for (const FaultSpec& fault : spec.faults) faults_.add(fault);
}

void Sessions::advance(std::int64_t now_ns) {
  faults_.advance(now_ns, &control_);
  control_.advance(now_ns);
}

Sessions::Connection* Sessions::find(std::uint32_t connection) const {
  const std::size_t slot = connection & kSlotMask;
  if (connection == 0 || slot >= connections_.size()) return nullptr;
  Connection* found = connections_[slot].get();
  return found->id == connection ? found : nullptr;
}

std::uint32_t Sessions::connect(std::int64_t now_ns) {
  advance(now_ns);
  if (!listening()) return 0;
  std::size_t slot = 0;
  while (slot < connections_.size() && connections_[slot]->id != 0) ++slot;
  if (slot > kSlotMask) return 0;
  if (slot == connections_.size()) connections_.push_back(std::make_unique<Connection>());
  Connection& connection = *connections_[slot];
  generation_ = (generation_ + 1) & (~0u >> kSlotBits);
  if (generation_ == 0) generation_ = 1;
  connection.id = generation_ << kSlotBits | static_cast<std::uint32_t>(slot);
  ++open_connections_;
  ++counters_.connections;
  return connection.id;
}

void Sessions::disconnect(std::uint32_t id) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  set_kind(*connection, Kind::Fresh);
  forget_waiting(*connection);
  connection->id = 0;
  connection->ending = Ending::None;
  connection->last_due_ns = 0;
  connection->input.clear();
  connection->transfer.reset();
  --open_connections_;
}

bool Sessions::on_bytes(std::uint32_t id, Bytes bytes, std::int64_t now_ns,
                        std::vector<std::uint8_t>* reply) {
  Connection* connection = find(id);
  if (connection == nullptr) return false;
  advance(now_ns);
  while (!bytes.empty() && connection->ending == Ending::None) {
    bytes = bytes.subspan(connection->input.feed(bytes));
    if (connection->input.fault() != Fault::None) {
      malformed(*connection, now_ns);
    } else if (connection->input.complete()) {
      ++counters_.requests;
      handle(*connection, connection->input.frame(), now_ns);
      connection->input.clear();
    }
  }
  return poll(id, now_ns, reply);
}

bool Sessions::poll(std::uint32_t id, std::int64_t now_ns, std::vector<std::uint8_t>* reply) {
  Connection* connection = find(id);
  if (connection == nullptr) return false;
  std::size_t bytes = 0;
  while (connection->next_chunk < connection->chunks.size() &&
         connection->chunks[connection->next_chunk].due_ns <= now_ns) {
    bytes += connection->chunks[connection->next_chunk++].bytes;
  }
  const auto begin =
      connection->waiting.begin() + static_cast<std::ptrdiff_t>(connection->sent_bytes);
  reply->insert(reply->end(), begin, begin + static_cast<std::ptrdiff_t>(bytes));
  connection->sent_bytes += bytes;
  if (connection->next_chunk < connection->chunks.size()) return true;
  forget_waiting(*connection);
  return connection->ending == Ending::None || connection->last_due_ns > now_ns;
}

std::int64_t Sessions::next_due_ns(std::uint32_t id) const {
  const Connection* connection = find(id);
  if (connection == nullptr) return kNever;
  if (connection->next_chunk < connection->chunks.size()) {
    return connection->chunks[connection->next_chunk].due_ns;
  }
  return connection->ending == Ending::None ? kNever : connection->last_due_ns;
}

bool Sessions::was_reset(std::uint32_t id) const {
  const Connection* connection = find(id);
  return connection != nullptr && connection->ending == Ending::Reset;
}

void Sessions::forget_waiting(Connection& connection) {
  connection.waiting.clear();
  connection.chunks.clear();
  connection.next_chunk = 0;
  connection.sent_bytes = 0;
}

void Sessions::set_kind(Connection& connection, Kind kind) {
  if (connection.kind == Kind::Data) --sessions_in_use_;
  if (kind == Kind::Data) ++sessions_in_use_;
  connection.kind = kind;
}

void Sessions::end(Connection& connection, Ending ending, std::int64_t now_ns) {
  connection.ending = ending;
  connection.last_due_ns = std::max(connection.last_due_ns, now_ns);
  if (ending == Ending::Reset) {
    ++counters_.resets;
    forget_waiting(connection);  // a reset throws away what was not sent
    connection.last_due_ns = now_ns;
  }
}

void Sessions::malformed(Connection& connection, std::int64_t now_ns) {
  ++counters_.malformed;
  end(connection, Ending::Close, now_ns);
}

// One request after the other, whichever connection it came from: a control has one processor
// for them. -> when this one is answered.
std::int64_t Sessions::service_end(std::int64_t now_ns) {
  if (spec_.service_us == 0 && spec_.service_jitter_us == 0) return now_ns;
  const auto jitter = random_.below(static_cast<std::uint64_t>(spec_.service_jitter_us) + 1);
  const std::int64_t service_us = spec_.service_us + static_cast<std::int64_t>(jitter);
  busy_until_ns_ = std::max(busy_until_ns_, now_ns) + service_us * 1000;
  return busy_until_ns_;
}

void Sessions::queue(Connection& connection, Bytes bytes, std::int64_t due_ns) {
  connection.last_due_ns = std::max(connection.last_due_ns, due_ns);
  connection.chunks.push_back({connection.last_due_ns, bytes.size()});
  connection.waiting.insert(connection.waiting.end(), bytes.begin(), bytes.end());
}

void Sessions::send_frame(Connection& connection, Bytes frame, const FaultPlan& plan,
                          std::int64_t now_ns) {
  const bool spoils = plan.garbage || plan.header_delta != 0 || plan.block_delta != 0 ||
                      plan.truncate || plan.repeat;
  if (spoils) {
    spoilt_.assign(frame.begin(), frame.end());
    const auto change = [&](std::size_t at, int delta) {
      const int value = focas::wire::load_u16(spoilt_.data() + at) + delta;
      focas::wire::store_u16(spoilt_.data() + at, static_cast<std::uint16_t>(value));
    };
    constexpr std::size_t kFirstBlock = kHeaderBytes + 2;
    if (plan.header_delta != 0) change(8, plan.header_delta);
    if (plan.block_delta != 0 && spoilt_.size() >= kFirstBlock + 2) {
      change(kFirstBlock, plan.block_delta);
    }
    if (plan.garbage) {
      for (std::uint8_t& byte : spoilt_) byte = static_cast<std::uint8_t>(faults_.random().next());
    }
    if (plan.repeat) spoilt_.insert(spoilt_.end(), frame.begin(), frame.end());
    if (plan.truncate) spoilt_.resize(spoilt_.size() / 2);
    frame = spoilt_;
  }
  if (connection.waiting.size() + frame.size() > kMostWaitingBytes) {
    return end(connection, Ending::Reset, now_ns);
  }
  std::int64_t due_ns = service_end(now_ns) + plan.delay_ns;
  const std::size_t piece = plan.piece_bytes == 0 ? frame.size() : plan.piece_bytes;
  while (!frame.empty()) {
    const std::size_t n = std::min(piece, frame.size());
    queue(connection, frame.first(n), due_ns);
    frame = frame.subspan(n);
    due_ns += plan.gap_ns;
  }
  if (plan.truncate) end(connection, Ending::Close, now_ns);
}

// False: a fault lets the request end here, without a reply.
bool Sessions::survives(Connection& connection, const FaultPlan& plan, std::int64_t now_ns) {
  const bool hit = plan.stall || plan.reset || plan.refuse || plan.garbage || plan.truncate ||
                   plan.repeat || plan.header_delta != 0 || plan.block_delta != 0 ||
                   plan.error.active || plan.delay_ns != 0 || plan.piece_bytes != 0;
  if (hit) ++counters_.faults;
  if (plan.reset) end(connection, Ending::Reset, now_ns);
  return !plan.reset && !plan.stall;
}

void Sessions::handle(Connection& connection, const Frame& frame, std::int64_t now_ns) {
  switch (frame.header.type) {
    case FrameType::OpenRequest: return open(connection, frame, now_ns);
    case FrameType::CloseRequest: return close(connection, frame, now_ns);
    case FrameType::DataRequest: return data(connection, frame, now_ns);
    default: break;
  }
  if (!is_transfer(frame.header.type) || connection.kind == Kind::Fresh) {
    return malformed(connection, now_ns);
  }
  transfer(connection, frame, now_ns);
}

void Sessions::open(Connection& connection, const Frame& frame, std::int64_t now_ns) {
  if (frame.body.size() != 2) return malformed(connection, now_ns);
  const std::uint16_t payload = focas::wire::load_u16(frame.body.data());
  if (payload != 1 && payload != 2) return malformed(connection, now_ns);
  const FaultPlan plan =
      faults_.empty() ? FaultPlan{} : faults_.decide(FaultScope::Open, frame.body);
  if (!survives(connection, plan, now_ns)) return;
  const Kind kind = payload == 2 ? Kind::Data : Kind::Transfer;
  const bool full =
      kind == Kind::Data && connection.kind != Kind::Data && sessions_in_use_ >= spec_.sessions_max;
  std::array<std::uint8_t, 512> memory;
  const std::uint16_t version = control_.personality().version;
  if (full || plan.refuse) {
    ++counters_.sessions_refused;
    FrameWriter writer(memory, version, FrameType::OpenRefused);
    return send_frame(connection, writer.finish(), plan, now_ns);
  }
  set_kind(connection, kind);
  connection.transfer.reset();
  FrameWriter writer(memory, version, FrameType::OpenReply);
  write_open_reply(control_, &writer);
  send_frame(connection, writer.finish(), plan, now_ns);
}

void Sessions::close(Connection& connection, const Frame& frame, std::int64_t now_ns) {
  if (!frame.body.empty()) return malformed(connection, now_ns);
  set_kind(connection, Kind::Fresh);
  connection.transfer.reset();
  std::array<std::uint8_t, kHeaderBytes> memory;
  FrameWriter writer(memory, control_.personality().version, FrameType::CloseReply);
  send_frame(connection, writer.finish(), {}, now_ns);
}

void Sessions::data(Connection& connection, const Frame& frame, std::int64_t now_ns) {
  // A session for transfers that asks for data is reset; one that was never opened is no session.
  if (connection.kind == Kind::Transfer) return end(connection, Ending::Reset, now_ns);
  if (connection.kind == Kind::Fresh) return malformed(connection, now_ns);
  const FaultPlan plan =
      faults_.empty() ? FaultPlan{} : faults_.decide(FaultScope::Data, frame.body);
  if (!survives(connection, plan, now_ns)) return;
  Bytes reply;
  if (dispatcher_.answer(frame.body, plan.error, &reply) == DataResult::Malformed) {
    return malformed(connection, now_ns);
  }
  counters_.blocks += focas::wire::load_u16(frame.body.data());
  send_frame(connection, reply, plan, now_ns);
}

void Sessions::transfer(Connection& connection, const Frame& frame, std::int64_t now_ns) {
  const FaultPlan plan =
      faults_.empty() ? FaultPlan{} : faults_.decide(FaultScope::Transfer, frame.body);
  if (!survives(connection, plan, now_ns)) return;
  frames_.clear();
  if (connection.kind == Kind::Data) {
    if (!refuse_transfer(frame.header.type, control_.personality().version,
                         focas::wire::Status::Function, &frames_)) {
      return malformed(connection, now_ns);
    }
  } else {
    const Transfer::Result result = connection.transfer.handle(frame, control_, &frames_);
    if (result == Transfer::Result::Malformed) return malformed(connection, now_ns);
    if (result == Transfer::Result::Aborted) forget_waiting(connection);
  }
  // An upload is one acceptance and then data: some clients take what comes with the acceptance
  // for a part of it, so there may be a gap.
  std::int64_t at_ns = now_ns;
  for (Bytes rest = frames_; !rest.empty();) {
    const std::size_t bytes = kHeaderBytes + focas::wire::load_u16(rest.data() + 8);
    send_frame(connection, rest.first(bytes), plan, at_ns);
    rest = rest.subspan(bytes);
    at_ns = std::max(at_ns, now_ns + std::int64_t{spec_.upload_gap_us} * 1000);
  }
}

}  // namespace rise::cncsim
