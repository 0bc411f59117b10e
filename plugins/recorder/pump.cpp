#include "plugins/recorder/pump.hpp"

#include <ctime>
#include <utility>

namespace rise::recorder {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// Of a ring that fills as quickly as it is read: so that time goes on, too.
constexpr int kAtOnce = 4096;
constexpr int kRounds = 256;  // at the end, of a core that goes on publishing

std::int64_t read_clock(clockid_t id) {
  timespec time{};
  ::clock_gettime(id, &time);
  return std::int64_t{time.tv_sec} * kSecond + time.tv_nsec;
}

template <class T>
void append_table(std::string* bytes, const shm::Region& region, shm::SectionKind kind) {
  const auto table = region.table<T>(kind);
  bytes->append(reinterpret_cast<const char*>(table.data()), table.size_bytes());
}

}  // namespace

Now now() { return {read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_REALTIME)}; }

Result<Pump> Pump::start(const shm::Region& region, shm::Reader reader, Recorder* recorder) {
  Pump pump(region, std::move(reader), recorder);
  pump.tables_ = pump.tables();
  if (!recorder->begin(read_directory(region))) return Failure{recorder->problem()};
  return pump;
}

std::string Pump::tables() const {
  std::string bytes;
  append_table<message::MachineEntry>(&bytes, *region_, shm::SectionKind::Machines);
  append_table<message::SignalEntry>(&bytes, *region_, shm::SectionKind::Signals);
  append_table<message::OutputEntry>(&bytes, *region_, shm::SectionKind::Outputs);
  return bytes;
}

bool Pump::drain(Now now) {
  bool any = false;
  message::TelemetryFrame frame;
  for (int i = 0; i < kAtOnce && reader_.next(&frame); ++i, any = true) {
    recorder_->record(frame, now);
  }
  std::uint32_t lane = 0;
  message::MachineEvent event;
  for (int i = 0; i < kAtOnce && reader_.next(&event, &lane); ++i, any = true) {
    recorder_->record(event, lane, now);
  }
  message::CommandResult result;
  for (int i = 0; i < kAtOnce && reader_.next(&result, &lane); ++i, any = true) {
    recorder_->record(result, lane, now);
  }
  return any;
}

bool Pump::poll(Now now) {
  if (now.mono_ns - looked_ns_ >= kSecond) {
    looked_ns_ = now.mono_ns;
    if (std::string tables_now = tables(); tables_now != tables_) {
      tables_ = std::move(tables_now);
      recorder_->begin(read_directory(*region_));
    }
  }
  const bool any = drain(now);
  recorder_->tick(now);
  // Where chunks become full before they become old, there is always one under way.
  if (now.mono_ns - committed_ns_ >= kSecond) recorder_->flush(now);
  if (recorder_->settled()) {
    reader_.commit();
    committed_ns_ = now.mono_ns;
  }
  return any;
}

void Pump::finish(Now now, bool keep_place) {
  for (int round = 0; round < kRounds && drain(now); ++round) {
  }
  recorder_->end();
  if (keep_place) {
    reader_.commit();
  } else {
    reader_.release();
  }
}

}  // namespace rise::recorder
