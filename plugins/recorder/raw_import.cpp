#include "plugins/recorder/raw_import.hpp"

#include <algorithm>
#include <map>

#include "drivers/replay/recording.hpp"
#include "plugins/recorder/recorder.hpp"

namespace rise::recorder {

namespace {

// Machines keep the numbers that they have in the core; of other lanes' there are no names.
Directory directory_of(const record::Head& head) {
  Directory directory;
  directory.lanes = {head.lane_name};
  for (const auto& machine : head.machines) {
    if (directory.machines.size() <= machine.number) {
      directory.machines.resize(machine.number + std::size_t{1});
    }
    directory.machines[machine.number].name = machine.name;
  }
  return directory;
}

class Importer {
 public:
  explicit Importer(Recorder* recorder) : recorder_(recorder) {}

  void take(const replay::Cycle& cycle) {
    now_ = {cycle.now_ns, cycle.now_ns + cycle.utc_offset_ns};
    for (const replay::Inward& in : cycle.inward) {
      const bool datagram = in.kind == record::Kind::Datagram;
      if (in.kind == record::Kind::Closed) owners_.erase({false, in.number});
      if (in.kind == record::Kind::Opened) owners_[{false, in.number}] = in.owner;
      if (!datagram && in.kind != record::Kind::Bytes) continue;
      // A port of datagrams never says whose it is but by what comes in.
      owners_[{datagram, in.number}] = in.owner;
      put(in.owner, recorded::Direction::Received, in.number, in.now_ns + cycle.utc_offset_ns,
          in.bytes);
    }
    for (const replay::Outward& sent : cycle.outward) {
      const bool datagram = sent.kind == record::Kind::DatagramSend;
      if (sent.kind == record::Kind::Open && sent.answer >= 0) {
        owners_[{false, sent.answer}] = sent.owner;
      }
      // What was refused was not sent.
      if ((!datagram && sent.kind != record::Kind::Send) || sent.answer < 0) continue;
      const auto owner = owners_.find({datagram, sent.number});
      if (owner == owners_.end()) continue;
      put(owner->second, recorded::Direction::Sent, sent.number, now_.utc_ns, sent.bytes);
    }
    recorder_->tick(now_);
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  void put(std::uint32_t owner, recorded::Direction direction, std::int32_t stream,
           std::int64_t utc_ns, Bytes bytes) {
    bytes_ += bytes.size();
    recorder_->record(RawBytes{static_cast<std::uint16_t>(std::min<std::uint32_t>(owner, 65'535)),
                               direction, stream, utc_ns, now_.mono_ns, bytes},
                      now_);
  }
  Recorder* recorder_;
  Now now_;
  std::uint64_t bytes_ = 0;
  // Whose a stream is (false), or a port of datagrams (true).
  std::map<std::pair<bool, std::int32_t>, std::uint32_t> owners_;
};

}  // namespace

Result<RawTotals> import_raw(const std::string& recording, const std::string& out) {
  auto from = replay::Recording::open(recording);
  if (!from) return Failure{from.error()};
  RecorderOptions options;
  options.out = out;
  auto opened = Recorder::open(options);
  if (!opened) return Failure{opened.error()};
  Recorder& recorder = **opened;
  recorder.begin(directory_of(from->head()));
  Importer importer(&recorder);
  RawTotals totals;
  replay::Cycle cycle;
  while (from->next(&cycle) == replay::Recording::Next::Cycle) {
    if (cycle.is_end) continue;
    importer.take(cycle);
    ++totals.cycles;
    if (recorder.paused()) return Failure{recorder.problem()};
  }
  recorder.end();
  if (!recorder.problem().empty()) return Failure{recorder.problem()};
  totals.messages = recorder.counters().raw;
  totals.bytes = importer.bytes();
  totals.cut = from->cut();
  totals.fault = from->fault();
  return totals;
}

}  // namespace rise::recorder
