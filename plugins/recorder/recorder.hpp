// Records what a core publishes into MCAP files: into one, or into a folder, where a file ends at a
// size or an age, and the oldest are removed when all together take too much.
//
// It is handed messages one by one, and the time with each call, and knows nothing of where they
// come from (pump.hpp brings them from a region). One thread. Nothing throws but begin(), for a
// directory that cannot be.
//
// A disk that is full, or has less room than it is to keep, makes the recorder pause: what comes
// meanwhile is counted as dropped, and it goes on by itself once there is room.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/recorder/directory.hpp"
#include "plugins/recorder/frame_layout.hpp"
#include "plugins/recorder/records.hpp"
#include "plugins/recorder/segment.hpp"
#include "plugins/recorder/shelf.hpp"

namespace rise::recorder {

struct RecorderOptions {
  std::string folder;           // where files are made; or
  std::string out;              // the one file to write, which must not exist: then no limits but
                                // min_free_bytes count
  std::string prefix = "rise";  // of the files' names in the folder
  std::vector<std::string> machines;              // those to record; none = all
  std::uint64_t max_file_bytes = 256ull << 20u;   // a file ends with the chunk that reaches it
  std::int64_t max_file_s = 3600;                 // 1 s or more
  std::uint64_t max_disk_bytes = 4096ull << 20u;  // of all files; twice max_file_bytes or more
  std::uint64_t min_free_bytes = 256ull << 20u;   // what the disk is to keep free
  std::uint64_t chunk_bytes = 1u << 20u;          // uncompressed
  std::int64_t flush_ms = 1000;  // a chunk ends at this age: what a kill can cost. 10 to 60000
  int level = 3;                 // of zstd, 1 to 19
  // Free room of a folder; absent: not known. For tests.
  std::function<std::optional<std::uint64_t>(const std::string&)> free_bytes = recorder::free_bytes;
};

struct RecorderCounters {
  std::uint64_t frames = 0;   // given to the file
  std::uint64_t events = 0;   // likewise
  std::uint64_t results = 0;  // likewise
  std::uint64_t raw = 0;      // likewise
  std::uint64_t dropped = 0;  // of all these: not recorded, since there was no room
  std::uint64_t foreign = 0;  // of a machine that the directory does not have
  std::uint64_t files = 0;    // begun
  std::uint64_t files_removed = 0;
  std::uint64_t pauses = 0;
  std::uint64_t raw_bytes = 0;   // uncompressed, of chunks written
  std::uint64_t file_bytes = 0;  // written
};

struct Now {
  std::int64_t mono_ns = 0;
  std::int64_t utc_ns = 0;
};

class Recorder {
 public:
  // The error says what is wrong with the options or the folder, and what to do.
  static Result<std::unique_ptr<Recorder>> open(const RecorderOptions& options);
  ~Recorder();

  // A core has come, or its directory is another one: what follows is of these machines, and goes
  // into a new file. False: one of options.machines is not among them; see problem().
  bool begin(const Directory& directory);
  void record(const message::TelemetryFrame& frame, Now now);
  // `lane`: the number of the lane that the message came from.
  void record(const message::MachineEvent& event, std::uint32_t lane, Now now);
  void record(const message::CommandResult& result, std::uint32_t lane, Now now);
  void record(const RawBytes& raw, Now now);
  // To be called at least every 100 ms: ends chunks and files that are old enough.
  void tick(Now now);
  // Ends the chunk under way: what was given is in the file now, or counted as dropped.
  void flush(Now now);
  // Ends the file. The next message begins another one.
  void end();

  // Nothing waits in memory: what was given is in the file, or counted as dropped.
  [[nodiscard]] bool settled() const;
  [[nodiscard]] bool paused() const { return paused_; }
  // Why it pauses, or why begin() or end() failed; with a remedy. "" = all is well.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] const RecorderCounters& counters() const { return counters_; }
  // The file under way, or the last one; "" = none yet.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Line {  // a channel
    Channel channel;
    bool in_file = false;
    FrameLayout* layout = nullptr;  // of telemetry
  };
  struct MachineLines {
    std::vector<std::uint16_t> telemetry;  // by page; 0: not recorded
    std::uint16_t event = 0;
    std::uint16_t command = 0;
    std::uint16_t raw = 0;
  };

  explicit Recorder(const RecorderOptions& options) : options_(options) {}
  bool chosen(const std::string& machine) const;
  std::uint16_t add_line(std::uint16_t schema, const std::string& topic, Metadata metadata);
  void add_machine(const Machine& machine);
  bool ready(Now now);
  bool open_file(Now now);
  void pause(Now now, const std::string& why);
  void put(std::uint16_t line, std::uint64_t sequence, std::int64_t log_ns, std::int64_t publish_ns,
           Bytes data, Now now);
  void count_file();

  RecorderOptions options_;
  std::optional<Shelf> shelf_;  // none: one file
  Directory directory_;
  std::vector<Schema> schemas_;  // by id - 1
  std::vector<bool> schema_in_file_;
  std::vector<Line> lines_;  // by channel id; 0 is none
  std::vector<MachineLines> machines_;
  std::vector<MachineLines> lanes_;
  std::vector<std::pair<std::string, std::unique_ptr<FrameLayout>>> layouts_;  // by signature
  RecordEncoder encoder_;
  std::unique_ptr<Segment> segment_;
  std::string path_;
  std::int64_t file_begin_ns_ = 0;   // monotonic
  std::int64_t chunk_begin_ns_ = 0;  // likewise
  std::int64_t retry_ns_ = 0;
  bool paused_ = false;
  std::string problem_;
  RecorderCounters counters_;
  RecorderCounters chunk_;              // of these, those in the chunk under way
  std::uint64_t before_raw_bytes_ = 0;  // of the files before this one
  std::uint64_t before_file_bytes_ = 0;
};

}  // namespace rise::recorder
