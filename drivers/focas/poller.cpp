#include "drivers/focas/poller.hpp"

#include <algorithm>

#include "drivers/focas/notices.hpp"

namespace rise::focas {

using wire::Bytes;
using wire::Status;

namespace {

// Somebody may change the units of a control, or its axes, while we are connected.
constexpr std::int64_t kServicePeriod_ns = 60'000'000'000;
// A control that is starting up refuses what it will offer later.
constexpr std::int64_t kRetryPeriod_ns = 180'000'000'000;
// A control that refuses so many frames of one read in a row refuses everything.
constexpr std::uint32_t kMostRefusals = 20;
// A read that was refused so often, while others were answered, is not asked any more.
constexpr std::uint32_t kMostAlone = 3;
constexpr std::int64_t kServiceRetry_ns = 1'000'000'000;

UnitTable table_of(const Read& read) {
  return read.block.argument[0] == 2 ? UnitTable::Machine : UnitTable::Displayed;
}

}  // namespace

bool Poller::configure(const rise_host& host, const Settings& settings) {
  host_ = &host;
  settings_ = &settings;
  axes_.configure(host, settings);
  return catalogue_.configure(host, settings);
}

FrameLimits Poller::limits() const {
  return {max_blocks_, static_cast<std::uint32_t>(std::min<std::size_t>(
                           settings_->max_reply_bytes, wire::largest_reply(info_.version)))};
}

void Poller::begin(const ControlInfo& info, std::int64_t now_ns) {
  info_ = info;
  max_blocks_ = settings_->max_blocks;
  refused_alone_ = 0;
  timers_ = TimerOrder::Unknown;
  services_ns_ = now_ns + kServicePeriod_ns;
  retry_ns_ = now_ns + kRetryPeriod_ns;
  const double phase = static_cast<double>(host_->random(host_->context)) * 0x1p-32;
  sweep_.meet(info_, limits(), phase, now_ns);
  alarms_.ask_anew();
  axes_.begin();
  // What this control will not be asked for (another path, an axis too many) must not keep the
  // value that the other endpoint gave.
  for (const Item& item : catalogue_.items()) invalidate(*host_, item.read);
}

void Poller::compare_with_config() const {
  const auto configured = static_cast<std::int64_t>(settings_->paths.size());
  if (info_.paths < configured) {
    tell(*host_, Notice::PathsDiffer,
         Text()
             .add("control has ")
             .add(info_.paths)
             .add(" paths, ")
             .add(configured)
             .add(" are configured"));
  }
  for (std::uint16_t i = 0; i < info_.paths && i < configured; ++i) {
    const PathSettings& path = settings_->paths[i];
    if (path.spindles > std::max<std::uint32_t>(info_.spindles[i], 1)) {
      tell(*host_, Notice::SpindlesDiffer,
           Text()
               .add("path ")
               .add(i + 1)
               .add(" of the control has ")
               .add(info_.spindles[i])
               .add(" spindles, ")
               .add(path.spindles)
               .add(" are configured"));
    }
    const bool has_offsets = std::any_of(
        catalogue_.items().begin(), catalogue_.items().end(),
        [i](const Item& item) { return item.offsets && item.read.block.path == i + 1; });
    if (has_offsets && path.lathe != info_.lathe[i]) {
      tell(*host_, Notice::MachineDiffers,
           Text()
               .add("path ")
               .add(i + 1)
               .add(info_.lathe[i] ? " is a lathe's: set lathe = true" : " is a mill's")
               .add("; its tool offsets are not read"));
    }
  }
}

void Poller::due(std::int64_t now_ns, bool degraded) {
  if (now_ns >= services_ns_) {
    services_ns_ = now_ns + kServicePeriod_ns;
    sweep_.want_services();
  }
  if (now_ns >= retry_ns_) {
    retry_ns_ = now_ns + kRetryPeriod_ns;
    sweep_.retry_refused();
  }
  const std::uint32_t late = sweep_.due(now_ns, degraded);
  if (late != 0) host_->count(host_->context, RISE_COUNT_LATE_SAMPLES, late);
}

bool Poller::ask(Session* session, std::int64_t now_ns) {
  if (!sweep_.has_pending()) return false;
  wire::FrameWriter writer = session->begin_request();
  if (sweep_.ask(&writer) == 0) return false;
  return session->send_request(&writer, now_ns);
}

bool Poller::take(Bytes body, std::int64_t now_ns, bool* sampled) {
  wire::ReplyReader reader(body);
  wire::ReplyBlock block;
  *sampled = false;
  refused_alone_ = 0;
  const std::span<const std::uint16_t> asked = sweep_.outstanding();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!reader.next(&block)) return false;
    Read& read = sweep_.read(asked[i]);
    if (block.status != Status::Ok) {
      refuse(&read, block.status);
    } else {
      take_block(&read, block.data, now_ns);
    }
    const std::int32_t group = sweep_.answered(i);
    if (group < 0) continue;
    *sampled = true;
    host_->sample(host_->context, group, now_ns);
    host_->count(host_->context, RISE_COUNT_SAMPLES, 1);
  }
  sweep_.frame_done();
  return true;
}

void Poller::take_block(Read* read, Bytes data, std::int64_t now_ns) {
  const std::uint16_t path = read->block.path;
  switch (read->decoding) {
    case Decoding::AlarmMessages: take_messages(read, data); return;
    case Decoding::AxisNames:
      if (axes_.take_names(path, data, info_)) hide();
      return;
    case Decoding::AxisUnits:
      if (axes_.take_units(path, table_of(*read), data)) hide();
      return;
    default: break;
  }
  decode_values(*host_, *read, data, info_, axes_.hidden(*read), &timers_);
  if (read->decoding == Decoding::AlarmBits && alarms_.take_bits(*host_, path, data, now_ns) &&
      !sweep_.want_alarm_messages(path)) {
    alarms_.no_messages(*host_, path);
  }
}

// A control with records of another size would be misread every time, and a machine in alarm is the
// last that should lose its session for it: its alarms are told without texts.
void Poller::take_messages(Read* read, Bytes data) {
  const std::uint16_t path = read->block.path;
  if (alarms_.take_messages(*host_, path, static_cast<std::size_t>(read->block.argument[3]), data))
    return;
  host_->count(host_->context, RISE_COUNT_BAD_FRAMES, 1);
  tell(*host_, Notice::AlarmTexts, Text().add("alarm messages are not readable, path ").add(path));
  read->available = false;
  alarms_.no_messages(*host_, path);
}

void Poller::hide() {
  for (const Read& read : sweep_.reads()) {
    const std::uint32_t hidden = axes_.hidden(read);
    for (std::int32_t i = 0; hidden != 0 && i < read.count && i < 32; ++i) {
      if ((hidden >> i & 1) != 0) host_->signal_invalidate(host_->context, read.signal + i);
    }
  }
}

void Poller::refuse(Read* read, Status status) {
  host_->count(host_->context, RISE_COUNT_REFUSED_ITEMS, 1);
  const std::uint16_t path = read->block.path;
  // Some refusals are for good, or for long; others pass (busy, wrong mode).
  const bool for_good = status == Status::Function || status == Status::NoOption ||
                        status == Status::Number || status == Status::Attribute;
  switch (read->decoding) {
    case Decoding::AlarmMessages:
      if (for_good || alarms_.messages_refused(path)) alarms_.no_messages(*host_, path);
      break;
    case Decoding::AxisNames: axes_.names_refused(path); break;
    case Decoding::AxisUnits: axes_.units_refused(path, table_of(*read)); break;
    default: invalidate(*host_, *read); break;
  }
  if (!for_good) return;
  read->available = false;
  read->refused = true;
  if (read->group == kNoGroup || read->told) return;
  read->told = true;
  tell(*host_, Notice::ItemRefused,
       Text()
           .add("control does not offer command ")
           .add(read->block.command)
           .add(" (")
           .add(read->block.argument[0])
           .add(", ")
           .add(read->block.argument[1])
           .add("): status ")
           .add(static_cast<std::int64_t>(status))
           .add(", asked again every few minutes"));
}

// Nobody knows how many blocks a control takes: what it refuses as a whole is asked in smaller
// pieces, for the rest of this connection.
bool Poller::refused(const wire::Negative& why, std::int64_t now_ns) {
  const std::size_t blocks = sweep_.outstanding().size();
  if (blocks == 0) return true;
  for (const std::uint16_t i : sweep_.outstanding()) invalidate(*host_, sweep_.read(i));
  host_->count(host_->context, RISE_COUNT_REFUSED_ITEMS, blocks);
  if (blocks > 1) {
    max_blocks_ = static_cast<std::uint32_t>(std::max<std::size_t>(1, blocks / 2));
    tell(*host_, Notice::FrameRefused,
         Text()
             .add("control refused a whole frame of ")
             .add(static_cast<std::int64_t>(blocks))
             .add(" reads: status ")
             .add(static_cast<std::int64_t>(why.status))
             .add("; at most ")
             .add(max_blocks_)
             .add(" from now on"));
    sweep_.meet(info_, limits(), 0, now_ns);  // and with it names and units
    return true;
  }
  // One read that the control cannot be asked must not keep the others from their samples. But if
  // nothing else was answered either, it is not this read.
  Read& read = sweep_.read(sweep_.outstanding()[0]);
  if (refused_alone_++ == 0 && ++read.refusals == kMostAlone) refuse(&read, Status::Function);
  sweep_.drop();
  services_ns_ = std::min(services_ns_, now_ns + kServiceRetry_ns);
  return refused_alone_ < kMostRefusals;
}

}  // namespace rise::focas
