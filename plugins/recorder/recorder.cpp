#include "plugins/recorder/recorder.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace rise::recorder {

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kRetryNs = 1000 * kMillisecond;
constexpr std::size_t kMaxLines = 65'000;  // channel ids have 16 bits

// Ids of schemas; those of frames follow.
constexpr std::uint16_t kEvent = 1;
constexpr std::uint16_t kCommand = 2;
constexpr std::uint16_t kRaw = 3;

std::string fault_of(const RecorderOptions& options) {
  if (options.folder.empty() == options.out.empty()) return "name either a folder or a file";
  if (options.max_file_bytes < options.chunk_bytes) {
    return "files must be allowed to become larger than a chunk, " +
           std::to_string(options.chunk_bytes) + " bytes";
  }
  if (options.folder.empty()) return "";
  if (options.max_disk_bytes < 2 * options.max_file_bytes) {
    return "the disk space for all files must be twice that of one file, or more: raise it, or "
           "make files smaller";
  }
  return options.max_file_s < 1 ? "a file must be allowed to last a second" : "";
}

std::uint64_t time_of(std::int64_t utc_ns) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(utc_ns, 0));
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::open(const RecorderOptions& options) {
  if (const std::string fault = fault_of(options); !fault.empty()) return Failure{fault};
  std::unique_ptr<Recorder> recorder(new Recorder(options));
  if (!options.folder.empty()) {
    auto shelf = Shelf::open(options.folder, options.prefix);
    if (!shelf) return Failure{shelf.error()};
    recorder->shelf_.emplace(std::move(*shelf));
    return recorder;
  }
  std::error_code ignored;
  if (std::filesystem::exists(options.out, ignored)) {
    return Failure{options.out + ": exists already; remove it, or name another file"};
  }
  return recorder;
}

Recorder::~Recorder() { end(); }

bool Recorder::chosen(const std::string& machine) const {
  return options_.machines.empty() || std::find(options_.machines.begin(), options_.machines.end(),
                                                machine) != options_.machines.end();
}

std::uint16_t Recorder::add_line(std::uint16_t schema, const std::string& topic,
                                 Metadata metadata) {
  if (lines_.size() >= kMaxLines) throw std::length_error("too many machines for one recording");
  Line line;
  line.channel.id = static_cast<std::uint16_t>(lines_.size());
  line.channel.schema_id = schema;
  line.channel.topic = topic;
  line.channel.encoding = "flatbuffer";
  line.channel.metadata = std::move(metadata);
  lines_.push_back(std::move(line));
  return lines_.back().channel.id;
}

// The topics of a machine. Those of its further pages have their number behind the name: their
// samples have times of their own, so they are series of their own.
void Recorder::add_machine(const Machine& machine) {
  MachineLines& lines = machines_.emplace_back();
  lines.telemetry.resize(machine.pages);
  if (machine.name.empty() || !chosen(machine.name)) return;
  for (std::uint16_t page = 0; page < machine.pages; ++page) {
    const std::string signature = FrameLayout::signature(machine, page);
    auto known = std::find_if(layouts_.begin(), layouts_.end(),
                              [&](const auto& layout) { return layout.first == signature; });
    if (known == layouts_.end()) {
      const auto number = static_cast<unsigned>(layouts_.size() + 1);
      layouts_.emplace_back(signature, std::make_unique<FrameLayout>(machine, page, number));
      known = layouts_.end() - 1;
      schemas_.push_back({static_cast<std::uint16_t>(schemas_.size() + 1),
                          known->second->schema_name(), "flatbuffer", known->second->schema()});
    }
    const auto schema = static_cast<std::uint16_t>(kRaw + 1 + (known - layouts_.begin()));
    std::string topic = "telemetry/" + machine.name;
    if (page > 0) topic += "/" + std::to_string(page);
    lines.telemetry[page] = add_line(schema, topic,
                                     {{"kind", "telemetry"},
                                      {"machine", machine.name},
                                      {"page", std::to_string(page)},
                                      {"signals", known->second->signals_json()}});
    lines_.back().layout = known->second.get();
  }
  const auto add = [&](const std::string& kind, std::uint16_t schema) {
    return add_line(schema, kind + "/" + machine.name, {{"kind", kind}, {"machine", machine.name}});
  };
  lines.event = add("event", kEvent);
  lines.command = add("command", kCommand);
  lines.raw = add("raw", kRaw);
}

bool Recorder::begin(const Directory& directory) {
  end();
  directory_ = directory;
  const std::string binary(record_schema());
  schemas_ = {{kEvent, "rise.recorded.Event", "flatbuffer", binary},
              {kCommand, "rise.recorded.Command", "flatbuffer", binary},
              {kRaw, "rise.recorded.Raw", "flatbuffer", binary}};
  lines_.assign(1, {});
  layouts_.clear();
  machines_.clear();
  lanes_.clear();
  for (const Machine& machine : directory_.machines) add_machine(machine);
  for (const std::string& lane : directory_.lanes) {
    MachineLines& lines = lanes_.emplace_back();
    lines.event = add_line(kEvent, "event/lane/" + lane, {{"kind", "event"}, {"lane", lane}});
    lines.command =
        add_line(kCommand, "command/lane/" + lane, {{"kind", "command"}, {"lane", lane}});
  }
  for (const std::string& wanted : options_.machines) {
    const bool known = std::any_of(directory_.machines.begin(), directory_.machines.end(),
                                   [&](const Machine& machine) { return machine.name == wanted; });
    if (known) continue;
    problem_ = "there is no machine \"" + wanted + "\"; there are:";
    for (const Machine& machine : directory_.machines) problem_ += " " + machine.name;
    return false;
  }
  return true;
}

void Recorder::pause(Now now, const std::string& why) {
  if (!paused_) ++counters_.pauses;
  paused_ = true;
  problem_ = why;
  retry_ns_ = now.mono_ns + kRetryNs;
}

bool Recorder::open_file(Now now) {
  std::string path = options_.out;
  if (shelf_) {
    // Room for the one that begins is made before, so that all together never take more.
    counters_.files_removed += shelf_->trim(options_.max_disk_bytes - options_.max_file_bytes, "");
    path = shelf_->path_for(now.utc_ns);
  } else if (!path_.empty()) {
    pause(now, path + " was ended; a recording into one file does not begin another");
    return false;
  }
  McapWriterOptions writing;
  writing.level = options_.level;
  writing.library = "rise recorder";
  auto segment = Segment::create(path, writing);
  if (!segment) {
    pause(now, segment.error());
    return false;
  }
  segment_ = std::move(*segment);
  path_ = path;
  file_begin_ns_ = now.mono_ns;
  before_raw_bytes_ = counters_.raw_bytes;
  before_file_bytes_ = counters_.file_bytes;
  ++counters_.files;
  for (Line& line : lines_) line.in_file = false;
  schema_in_file_.assign(schemas_.size(), false);
  return true;
}

// There is a file, and room for more.
bool Recorder::ready(Now now) {
  if (paused_ && now.mono_ns < retry_ns_) return false;
  if (segment_ != nullptr && !paused_) return true;
  const std::string folder =
      shelf_ ? shelf_->folder() : std::filesystem::absolute(options_.out).parent_path().string();
  if (const auto free = options_.free_bytes(folder); free && *free < options_.min_free_bytes) {
    pause(now, folder + ": " + std::to_string(*free >> 20u) + " MiB are free, " +
                   std::to_string(options_.min_free_bytes >> 20u) +
                   " MiB are to be left: make room on this disk");
    return false;
  }
  if (segment_ == nullptr && !open_file(now)) return false;
  paused_ = false;
  problem_.clear();
  return true;
}

void Recorder::put(std::uint16_t number, std::uint64_t sequence, std::int64_t log_ns,
                   std::int64_t publish_ns, Bytes data, Now now) {
  Line& line = lines_[number];
  McapWriter& writer = segment_->writer();
  if (!line.in_file) {
    // A file tells of what is in it only.
    const std::size_t schema = line.channel.schema_id - std::size_t{1};
    if (!schema_in_file_[schema]) writer.add(schemas_[schema]);
    schema_in_file_[schema] = true;
    writer.add(line.channel);
    line.in_file = true;
  }
  if (writer.chunk_messages() == 0) chunk_begin_ns_ = now.mono_ns;
  writer.message(number, static_cast<std::uint32_t>(sequence), time_of(log_ns), time_of(publish_ns),
                 data);
  if (writer.chunk_bytes() >= options_.chunk_bytes) flush(now);
}

void Recorder::record(const message::TelemetryFrame& frame, Now now) {
  if (frame.machine() >= machines_.size() ||
      frame.page() >= machines_[frame.machine()].telemetry.size()) {
    ++counters_.foreign;
    return;
  }
  const std::uint16_t line = machines_[frame.machine()].telemetry[frame.page()];
  if (line == 0) return;
  if (!ready(now)) {
    ++counters_.dropped;
    return;
  }
  ++counters_.frames;
  ++chunk_.frames;
  // The core tells the start of the cycle in which it published, the sample may be younger.
  const std::int64_t waited_ns =
      std::max<std::int64_t>(frame.publish_mono_ns() - frame.sample_mono_ns(), 0);
  put(line, frame.sequence(), frame.sample_utc_ns(), frame.sample_utc_ns() + waited_ns,
      lines_[line].layout->encode(frame), now);
}

void Recorder::record(const message::MachineEvent& event, std::uint32_t lane, Now now) {
  const bool of_lane = event.machine() == shm::kWholeLane;
  const auto& all = of_lane ? lanes_ : machines_;
  const std::size_t at = of_lane ? lane : event.machine();
  if (at >= all.size()) {
    ++counters_.foreign;
    return;
  }
  if (all[at].event == 0) return;
  if (!ready(now)) {
    ++counters_.dropped;
    return;
  }
  ++counters_.events;
  ++chunk_.events;
  const Machine* machine = of_lane ? nullptr : &directory_.machines[at];
  put(all[at].event, event.sequence(), event.utc_ns(), event.utc_ns(),
      encoder_.encode(event, machine), now);
}

void Recorder::record(const message::CommandResult& result, std::uint32_t lane, Now now) {
  const bool of_lane = result.machine() == shm::kWholeLane;
  const auto& all = of_lane ? lanes_ : machines_;
  const std::size_t at = of_lane ? lane : result.machine();
  if (at >= all.size()) {
    ++counters_.foreign;
    return;
  }
  if (all[at].command == 0) return;
  if (!ready(now)) {
    ++counters_.dropped;
    return;
  }
  ++counters_.results;
  ++chunk_.results;
  const Machine* machine = of_lane ? nullptr : &directory_.machines[at];
  // The sequence of a command is the time of its making; its low bits tell commands apart.
  put(all[at].command, result.sequence(), result.utc_ns(), result.utc_ns(),
      encoder_.encode(result, machine), now);
}

void Recorder::record(const RawBytes& raw, Now now) {
  if (raw.machine >= machines_.size()) {
    ++counters_.foreign;
    return;
  }
  const std::uint16_t line = machines_[raw.machine].raw;
  if (line == 0) return;
  if (!ready(now)) {
    ++counters_.dropped;
    return;
  }
  ++counters_.raw;
  ++chunk_.raw;
  put(line, counters_.raw, raw.utc_ns, raw.utc_ns, encoder_.encode(raw), now);
}

void Recorder::count_file() {
  counters_.raw_bytes = before_raw_bytes_ + segment_->writer().raw_bytes();
  counters_.file_bytes = before_file_bytes_ + segment_->writer().file_bytes();
}

void Recorder::flush(Now now) {
  if (segment_ == nullptr || segment_->writer().chunk_messages() == 0) return;
  if (!segment_->writer().end_chunk()) {
    counters_.frames -= chunk_.frames;
    counters_.events -= chunk_.events;
    counters_.results -= chunk_.results;
    counters_.raw -= chunk_.raw;
    counters_.dropped += chunk_.frames + chunk_.events + chunk_.results + chunk_.raw;
    pause(now, segment_->problem());
  }
  chunk_ = {};
  count_file();
  if (paused_) return;
  if (shelf_ && segment_->writer().file_bytes() >= options_.max_file_bytes) {
    end();
    return;
  }
  const std::string folder = std::filesystem::absolute(path_).parent_path().string();
  if (const auto free = options_.free_bytes(folder); free && *free < options_.min_free_bytes) {
    pause(now, folder + ": only " + std::to_string(*free >> 20u) +
                   " MiB are free: make room on this disk");
  }
}

void Recorder::tick(Now now) {
  if (segment_ == nullptr) return;
  if (segment_->writer().chunk_messages() > 0 &&
      now.mono_ns - chunk_begin_ns_ >= options_.flush_ms * kMillisecond) {
    flush(now);
  }
  if (segment_ != nullptr && shelf_ &&
      now.mono_ns - file_begin_ns_ >= options_.max_file_s * 1000 * kMillisecond) {
    end();
  }
}

void Recorder::end() {
  if (segment_ == nullptr) return;
  const std::uint64_t waiting = chunk_.frames + chunk_.events + chunk_.results + chunk_.raw;
  const std::uint64_t before = segment_->writer().statistics().messages;
  const bool closed = segment_->close();
  if (!closed) problem_ = segment_->problem();
  if (segment_->writer().statistics().messages == before && waiting > 0) {
    counters_.frames -= chunk_.frames;
    counters_.events -= chunk_.events;
    counters_.results -= chunk_.results;
    counters_.raw -= chunk_.raw;
    counters_.dropped += waiting;
  }
  chunk_ = {};
  count_file();
  segment_.reset();
  if (closed && shelf_) counters_.files_removed += shelf_->trim(options_.max_disk_bytes, path_);
}

bool Recorder::settled() const {
  return segment_ == nullptr || segment_->writer().chunk_messages() == 0;
}

}  // namespace rise::recorder
