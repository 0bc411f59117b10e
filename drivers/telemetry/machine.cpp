#include "drivers/telemetry/machine.hpp"

#include <algorithm>
#include <string>

namespace rise::telemetry {

namespace {

// Notices, each told once: a number of the event and a constant text (nothing is formatted here).
enum Notice : std::uint32_t { kUnknown = 1, kRefused = 2, kDropped = 3, kFirstFault = 8 };

constexpr std::int64_t kWriteUnits = 200;  // to write the signals of a window

constexpr const char* kFaultTexts[kFaults] = {
    "",
    "datagrams have a wrong size",
    "datagrams arrive that are not from sensors",
    "a sensor speaks another version of the datagram; bring firmware or driver up to date",
    "a sensor's kind is not that of the config",
    "a sensor's sample format is not known",
    "a sensor has not as many channels as in the config",
    "a sensor sends datagrams without samples",
    "a sensor's rate is not rate_hz of the config",
    "a sensor's time is out of range",
    "a sensor sends samples that are not finite",
};

}  // namespace

std::uint64_t PortCounters::bad() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t n : fault) sum += n;
  return sum;
}

void Machine::start(std::int64_t now_ns) {
  statistics_due_ns_ = now_ns + statistics_ns_;
  statistics_last_ns_ = now_ns;
  statistics_next_ = sensors_.size();
  link(RISE_LINK_CONNECTING, "waiting for the first datagram");
}

void Machine::stop() {
  stopped_ = true;
  link(RISE_LINK_DOWN, "stopped");
}

void Machine::link(std::uint32_t state, const char* reason) {
  if (link_ == state) return;
  link_ = state;
  host_->link(host_->context, state, 0, reason);
}

void Machine::tell(std::uint32_t what, const char* text) {
  if ((told_ >> what & 1) != 0) return;
  told_ |= 1U << what;
  host_->notice(host_->context, static_cast<std::int32_t>(what), text);
}

// ------------------------------------------------------------------------------------- receiving

bool Machine::is_peer(std::uint32_t address) const {
  return peers_.empty() || std::binary_search(peers_.begin(), peers_.end(), address);
}

Sensor* Machine::find(std::uint32_t id) {
  const auto at = std::lower_bound(
      sensors_.begin(), sensors_.end(), id,
      [](const Sensor& sensor, std::uint32_t wanted) { return sensor.settings().id < wanted; });
  return at != sensors_.end() && at->settings().id == id ? &*at : nullptr;
}

const Sensor* Machine::sensor(std::uint32_t id) const {
  return const_cast<Machine*>(this)->find(id);
}

void Machine::bad(Fault fault, Sensor* sensor) {
  ++counters_.fault[static_cast<std::size_t>(fault)];
  if (sensor != nullptr) sensor->count_bad();
  count(RISE_COUNT_BAD_FRAMES);
  tell(kFirstFault + static_cast<std::uint32_t>(fault),
       kFaultTexts[static_cast<std::size_t>(fault)]);
}

void Machine::on_datagram(std::int32_t port, const rise_datagram& datagram, std::int64_t now_ns) {
  if (port != port_ || stopped_) return;
  ++counters_.received;
  if (++in_this_cycle_ > datagrams_per_cycle_) {  // a flood: not even looked at
    ++counters_.dropped;
    tell(kDropped, "more datagrams than datagrams_per_cycle; the rest is dropped");
    return;
  }
  if (!is_peer(datagram.from.address)) {
    ++counters_.refused;
    count(RISE_COUNT_BAD_FRAMES);
    tell(kRefused, "datagrams come from an address that is not in peers");
    return;
  }
  Datagram checked;
  const Fault form = check(datagram.bytes, datagram.length, &checked);
  if (form != Fault::None) {
    // Whose it is can be said only if the header is one.
    const bool ours = form > Fault::Version;
    bad(form, ours ? find(checked.header.sensor()) : nullptr);
    return;
  }
  Sensor* sensor = find(checked.header.sensor());
  if (sensor == nullptr) {
    ++counters_.unknown;
    count(RISE_COUNT_BAD_FRAMES);
    tell(kUnknown, "datagrams of a sensor arrive that is not in the config");
    return;
  }
  const std::uint32_t only = sensor->settings().peer;
  if (only != 0 && only != datagram.from.address) {
    ++counters_.refused;
    sensor->count_bad();
    count(RISE_COUNT_BAD_FRAMES);
    tell(kRefused, "datagrams come from an address that is not in peers");
    return;
  }
  const Fault content = sensor->judge(checked.header);
  if (content != Fault::None) {
    bad(content, sensor);
    return;
  }
  count(RISE_COUNT_RECEIVED);
  const Sensor::Taken taken = sensor->take(checked, now_ns);
  if (taken == Sensor::Taken::Unused) return;
  ++counters_.used;
  if (!sensor->alive) revive(sensor);
  Group& group = groups_[sensor->group];
  if (taken == Sensor::Taken::Faulty) {
    sensor->invalidate(*host_);
    after_write(&group, *sensor, now_ns);
  } else if (taken == Sensor::Taken::Complete) {
    before_write(&group, *sensor);
    const std::int64_t time_ns = sensor->write_level(*host_, now_ns);
    count(RISE_COUNT_SAMPLES);
    after_write(&group, *sensor, time_ns);
  }
}

// --------------------------------------------------------------------------- groups and the link

// A group is sampled once all its living sensors have written, or when one of them is about to
// write again: then the others are behind and keep what they had.
void Machine::before_write(Group* group, const Sensor& sensor) {
  if ((group->fresh & sensor.member) != 0) flush(group, group->time_ns);
}

void Machine::after_write(Group* group, const Sensor& sensor, std::int64_t time_ns) {
  group->time_ns = std::max(group->time_ns, time_ns);
  group->fresh |= sensor.member;
  if ((group->fresh & group->alive) == group->alive) flush(group, group->time_ns);
}

void Machine::flush(Group* group, std::int64_t time_ns) {
  host_->sample(host_->context, static_cast<std::int32_t>(group->number), time_ns);
  group->fresh = 0;
  group->time_ns = 0;
}

void Machine::revive(Sensor* sensor) {
  sensor->alive = true;
  groups_[sensor->group].alive |= sensor->member;
  ++alive_;
  link(RISE_LINK_UP, "sensors are sending");
}

void Machine::lose(Sensor* sensor, std::int64_t now_ns) {
  sensor->alive = false;
  sensor->fall_silent();
  sensor->invalidate(*host_);
  Group& group = groups_[sensor->group];
  group.alive &= ~sensor->member;
  flush(&group, now_ns);
  if (--alive_ == 0) link(RISE_LINK_DOWN, "all sensors are silent");
}

// ------------------------------------------------------------------------------------- the cycle

void Machine::cycle(const rise_cycle& cycle) {
  in_this_cycle_ = 0;
  if (stopped_) return;
  for (Sensor& sensor : sensors_) {
    if (sensor.alive && sensor.silent(cycle.now_ns)) lose(&sensor, cycle.now_ns);
  }
  // What is left out now is made up for later, as far as the rings hold it.
  if ((cycle.flags & RISE_CYCLE_DEGRADED) == 0) analyse(work_per_cycle_, cycle.now_ns);
  statistics(cycle.now_ns);
}

void Machine::analyse(std::int64_t budget, std::int64_t now_ns) {
  const std::int64_t given = budget;
  while (budget > 0) {
    if (analysed_ != nullptr) {
      if (analysed_->era() != era_) {
        analysed_ = nullptr;
      } else if (analysed_->outdated(analysis_.first())) {
        analysed_->skip_window();
        count(RISE_COUNT_LATE_SAMPLES);
        analysed_ = nullptr;
      }
    }
    if (analysed_ == nullptr && !begin_analysis()) break;
    if (!analysis_.run(&budget)) break;
    Sensor& sensor = *analysed_;
    analysed_ = nullptr;
    Group& group = groups_[sensor.group];
    before_write(&group, sensor);
    const std::int64_t time_ns = sensor.write_window(*host_, analysis_, now_ns);
    count(RISE_COUNT_SAMPLES);
    after_write(&group, sensor, time_ns);
    budget -= kWriteUnits;
  }
  largest_work_ = std::max(largest_work_, given - budget);
}

// The sensors take turns, so that none waits for more than one window of each other one.
bool Machine::begin_analysis() {
  for (std::size_t i = 0; i < sensors_.size(); ++i) {
    turn_ = turn_ + 1 < sensors_.size() ? turn_ + 1 : 0;
    Sensor& sensor = sensors_[turn_];
    std::int64_t first = 0;
    if (!sensor.next_window(&first)) continue;
    analysed_ = &sensor;
    era_ = sensor.era();
    analysis_.begin(sensor.plan(), sensor.ring(), first);
    return true;
  }
  return false;
}

void Machine::statistics(std::int64_t now_ns) {
  if (statistics_next_ == sensors_.size()) {
    if (now_ns < statistics_due_ns_) return;
    statistics_elapsed_ns_ = std::max<std::int64_t>(now_ns - statistics_last_ns_, 1);
    statistics_last_ns_ = now_ns;
    statistics_due_ns_ = now_ns + statistics_ns_;
    statistics_next_ = 0;
  }
  for (std::uint32_t i = 0; i < kStatisticsPerCycle && statistics_next_ < sensors_.size(); ++i) {
    sensors_[statistics_next_++].write_statistics(*host_, statistics_elapsed_ns_);
  }
  if (statistics_next_ < sensors_.size()) return;
  const auto write = [&](std::int32_t signal, std::uint64_t value) {
    host_->signal_write(host_->context, signal, static_cast<double>(value));
  };
  write(signals_.received, counters_.received);
  write(signals_.bad, counters_.bad());
  write(signals_.unknown, counters_.unknown);
  write(signals_.refused, counters_.refused);
  write(signals_.dropped, counters_.dropped);
  host_->sample(host_->context, static_cast<std::int32_t>(statistics_group_), now_ns);
}

}  // namespace rise::telemetry
