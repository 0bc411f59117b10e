#include "drivers/focas/sweep.hpp"

#include <algorithm>

namespace rise::focas {

namespace {

constexpr std::size_t kFrameOverhead = wire::kHeaderBytes + 2;
constexpr std::uint16_t kAlarms = 10;     // messages asked for, of
constexpr std::uint16_t kAlarmText = 64;  // characters
constexpr std::uint16_t kAlarmTextLegacy = 32;
constexpr std::uint16_t kMaxSpindles = 8;
// So many frames in a row may leave out what belongs to no group (alarm messages, names, units).
constexpr std::uint32_t kServicePatience = 8;
constexpr std::int64_t kMostSpread_ns = 1'000'000'000;

}  // namespace

void Sweep::configure(const Catalogue& catalogue, const Settings& settings) {
  items_ = catalogue.items();
  group_count_ = std::min(settings.groups.size(), kMaxGroups);
  path_count_ = std::min(settings.paths.size(), kMaxPaths);
  for (std::size_t g = 0; g < group_count_; ++g)
    groups_[g].period_ns = settings.groups[g].period_ns;
  reads_.reserve(catalogue.max_reads() + 4 * kMaxPaths);
  for (std::size_t p = 0; p < path_count_; ++p) lathe_[p] = settings.paths[p].lathe;
  for (const Item& item : items_) {
    if (item.read.unit == UnitTable::Machine) machine_positions_[item.read.block.path - 1] = true;
  }
}

void Sweep::meet(const ControlInfo& info, const FrameLimits& limits, double phase,
                 std::int64_t now_ns) {
  FrameLimits wanted = limits;
  wanted.blocks = std::min<std::uint32_t>(wanted.blocks, kMaxBlocks);
  const bool known = planned_ && info == info_ && wanted == limits_;
  info_ = info;
  limits_ = wanted;
  drop();
  reads_.clear();
  for (std::size_t g = 0; g < group_count_; ++g) {
    Group& group = groups_[g];
    if (!known) group.packing = find_packing(g);
    group.frames = make_group(g, group.packing, SIZE_MAX);
    // The first sample of a slow group is not to be an hour late.
    const auto spread = static_cast<double>(std::min(group.period_ns, kMostSpread_ns));
    group.next_ns = now_ns + static_cast<std::int64_t>(spread * phase);
    group.unanswered = 0;
  }
  planned_ = true;
  favour_from_ = 0;
  for (std::uint16_t path = 1; path <= path_count_; ++path) add_services(path);
  // Values of axes are good for nothing before their names and units are known.
  favoured_ = false;
  services_left_out_ = kServicePatience;
}

// Positions of all axes come in one long block or in one short block per axis, and long blocks may
// go first or where the config has them. What is best depends on what else the frame holds: try,
// and take the fewest frames, then the fewest blocks.
Sweep::Packing Sweep::find_packing(std::size_t group) {
  const std::size_t start = reads_.size();
  const auto position_items = static_cast<std::size_t>(std::count_if(
      items_.begin(), items_.end(),
      [group](const Item& item) { return item.read.group == group && item.positions; }));
  Packing best;
  std::size_t best_frames = SIZE_MAX;
  for (Packing packing; packing.split <= position_items && best_frames > 1; ++packing.split) {
    for (const bool long_first : {false, true}) {
      packing.long_first = long_first;
      const std::size_t frames = make_group(group, packing, best_frames);
      reads_.resize(start);
      if (frames >= best_frames) continue;
      best_frames = frames;
      best = packing;
    }
  }
  return best;
}

// Reads that belong to no sample: alarm messages on demand, names and units of the axes.
void Sweep::add_services(std::uint16_t path) {
  Read read;
  read.block.path = path;
  read.group = kNoGroup;
  read.available = path <= info_.paths;

  // The text length that the vendor's client asks of either sort of control.
  const std::uint16_t text = info_.is_new() ? kAlarmText : kAlarmTextLegacy;
  read.block.command = static_cast<std::uint16_t>(wire::Command::AlarmMessages);
  read.block.argument[0] = -1;
  read.block.argument[1] = kAlarms;
  read.block.argument[2] = 2;
  read.block.argument[3] = text;
  read.decoding = Decoding::AlarmMessages;
  read.reply_bytes = static_cast<std::uint16_t>(kAlarms * (16 + text));
  alarm_reads_[path - 1] = static_cast<std::uint16_t>(reads_.size());
  reads_.push_back(read);
  if (!read.available) return;

  for (std::int32_t& argument : read.block.argument) argument = 0;
  read.reply_bytes = static_cast<std::uint16_t>(4 * info_.max_axes);
  add_service(read, wire::Command::AxisNames, Decoding::AxisNames, 0);
  add_service(read, wire::Command::Units, Decoding::AxisUnits, 1);
  if (machine_positions_[path - 1]) add_service(read, wire::Command::Units, Decoding::AxisUnits, 2);
}

void Sweep::add_service(const Read& read, wire::Command command, Decoding decoding,
                        std::int32_t argument) {
  reads_.push_back(read);
  reads_.back().block.command = static_cast<std::uint16_t>(command);
  reads_.back().block.argument[0] = argument;
  reads_.back().decoding = decoding;
  want(&reads_.back());
}

void Sweep::want_services() {
  for (Read& read : reads_) {
    if (read.group == kNoGroup && read.decoding != Decoding::AlarmMessages) want(&read);
  }
}

void Sweep::retry_refused() {
  for (Read& read : reads_) {
    if (!read.refused) continue;
    read.refused = false;
    read.available = true;
  }
}

void Sweep::want(Read* read) {
  if (!read->available || read->pending) return;
  read->pending = true;
  ++pending_;
}

// The group's reads; the first `split` position items as one read per axis. -> frames of one
// sample.
std::size_t Sweep::make_group(std::size_t group, const Packing& packing, std::size_t enough) {
  const auto start = static_cast<std::ptrdiff_t>(reads_.size());
  std::size_t positions = 0;
  for (const Item& item : items_) {
    if (item.read.group != group) continue;
    const bool split_this = item.positions && positions++ < packing.split;
    add(item, split_this);
  }
  if (packing.long_first) {
    std::sort(reads_.begin() + start, reads_.end(), [](const Read& a, const Read& b) {
      return a.reply_bytes != b.reply_bytes ? a.reply_bytes > b.reply_bytes : a.signal < b.signal;
    });
  }
  return count_frames(group, enough);
}

void Sweep::add(const Item& item, bool split_positions) {
  Read read = item.read;
  if (!info_.is_new() && item.legacy_command != 0) read.block.command = item.legacy_command;
  // A path that the control does not have: never asked, so its signals stay invalid.
  const std::size_t path = read.block.path;
  read.available = read.block.device == wire::Device::Pmc || path <= info_.paths;
  // Offsets of the other sort of machine would come under wrong names.
  if (item.offsets && read.available) read.available = info_.lathe[path - 1] == lathe_[path - 1];
  read.pending = false;
  if (!split_positions) {
    read.reply_bytes = reply_bytes(item);
    reads_.push_back(read);
    return;
  }
  const std::uint16_t real = read.available ? info_.axes[read.block.path - 1] : 0;
  for (std::uint16_t axis = 0; axis < item.read.count && axis < real; ++axis) {
    Read one = read;
    one.block.argument[1] = axis + 1;
    one.signal = read.signal + axis;
    one.axis = static_cast<std::uint8_t>(axis + 1);
    one.count = 1;
    one.per_axis = false;
    one.reply_bytes = 8;
    reads_.push_back(one);
  }
}

std::uint16_t Sweep::reply_bytes(const Item& item) const {
  const Read& read = item.read;
  if (read.reply_bytes != 0) return read.reply_bytes;
  // Replies to "all axes" have as many elements as the control has at most, used or not.
  const auto axes = static_cast<std::uint16_t>(info_.max_axes);
  if (read.decoding == Decoding::Record) {
    return static_cast<std::uint16_t>(8 + (info_.is_new() ? 8 : 4) * axes);
  }
  return static_cast<std::uint16_t>(8 *
                                    (read.per_axis ? axes : std::max(kMaxSpindles, read.count)));
}

bool Sweep::fits(const Read& read, std::size_t blocks, std::size_t bytes) const {
  if (blocks == 0) return true;  // alone it must go, or it never would
  return blocks < limits_.blocks &&
         bytes + wire::kReplyBlockBytes + read.reply_bytes <= limits_.reply_bytes;
}

// Packs as ask() does, first fit in order. `pending` serves as the mark; nothing is under way here.
std::size_t Sweep::count_frames(std::size_t group, std::size_t enough) {
  std::size_t left = 0;
  for (Read& read : reads_) {
    read.pending = read.group == group && read.available;
    left += read.pending ? 1 : 0;
  }
  std::size_t frames = 0;
  for (; left != 0 && frames < enough; ++frames) {
    std::size_t blocks = 0;
    std::size_t bytes = kFrameOverhead;
    for (Read& read : reads_) {
      if (!read.pending || !fits(read, blocks, bytes)) continue;
      read.pending = false;
      --left;
      ++blocks;
      bytes += wire::kReplyBlockBytes + read.reply_bytes;
    }
  }
  return frames;
}

std::uint32_t Sweep::due(std::int64_t now_ns, bool degraded) {
  std::uint32_t late = 0;
  for (std::size_t g = 0; g < group_count_; ++g) {
    Group& group = groups_[g];
    if (now_ns < group.next_ns) continue;
    group.next_ns += group.period_ns;
    if (group.next_ns <= now_ns) group.next_ns = now_ns + group.period_ns;  // we were away
    if (degraded && g > 0) continue;
    if (group.unanswered != 0) {
      ++late;
      group.overdue = true;
      continue;
    }
    want_group(g);
  }
  return late;
}

std::uint32_t Sweep::want_group(std::size_t group) {
  for (Read& read : reads_) {
    if (read.group != group || !read.available) continue;
    want(&read);
    ++groups_[group].unanswered;
  }
  return groups_[group].unanswered;
}

std::uint32_t Sweep::due_first() {
  drop();
  return want_group(0);
}

bool Sweep::overdue(const Read& read) const {
  if (read.group == kNoGroup) return services_left_out_ >= kServicePatience;
  return read.group != 0 && groups_[read.group].overdue;
}

bool Sweep::take(std::size_t i, wire::FrameWriter* writer) {
  Read& read = reads_[i];
  if (!read.pending || !fits(read, asked_count_, asked_bytes_)) return false;
  if (!writer->add(read.block)) return false;
  read.pending = false;
  --pending_;
  asked_bytes_ += wire::kReplyBlockBytes + read.reply_bytes;
  asked_[asked_count_++] = static_cast<std::uint16_t>(i);
  return true;
}

// The first group goes first. When it alone fills the frames, and others have waited past their
// time, every second frame is theirs, in turn: late is better than never.
std::size_t Sweep::ask(wire::FrameWriter* writer) {
  asked_bytes_ = kFrameOverhead;
  asked_count_ = 0;
  const std::size_t size = reads_.size();
  favoured_ = !favoured_;
  for (std::size_t n = 0, from = favour_from_; favoured_ && n < size; ++n) {
    const std::size_t i = (from + n) % size;
    if (overdue(reads_[i]) && take(i, writer)) favour_from_ = i + 1;
  }
  for (std::size_t i = 0; i < size; ++i) take(i, writer);
  const bool service_waits = std::any_of(reads_.begin(), reads_.end(), [](const Read& read) {
    return read.pending && read.group == kNoGroup;
  });
  services_left_out_ = service_waits ? services_left_out_ + 1 : 0;
  return asked_count_;
}

std::int32_t Sweep::answered(std::size_t i) {
  const Read& read = reads_[asked_[i]];
  if (read.group == kNoGroup) return -1;
  Group& group = groups_[read.group];
  if (--group.unanswered != 0) return -1;
  group.overdue = false;
  return read.group;
}

bool Sweep::want_alarm_messages(std::uint16_t path) {
  if (path < 1 || path > path_count_) return false;
  Read& read = reads_[alarm_reads_[path - 1]];
  want(&read);
  return read.available;
}

void Sweep::drop() {
  for (Read& read : reads_) read.pending = false;
  for (Group& group : groups_) {
    group.unanswered = 0;
    group.overdue = false;
  }
  pending_ = 0;
  asked_count_ = 0;
  services_left_out_ = 0;
}

}  // namespace rise::focas
