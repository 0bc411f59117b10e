// `rise record`: records a running core, tells what is in a recording, repairs one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rise::cli {

struct RecordOptions {
  std::string region = "rise";
  std::string dir;        // a folder for files that follow one another; or
  std::string out;        // one file; none of both: one here, named after region and time
  double duration_s = 0;  // 0: until Ctrl-C
  std::vector<std::string> machines;
  std::uint64_t max_file_mib = 256;
  std::int64_t max_file_s = 3600;
  std::uint64_t max_disk_mib = 4096;
  std::uint64_t min_free_mib = 256;
  int flush_ms = 1000;
  int level = 3;
  std::string name;   // of the reader; "": "recorder" with a folder, else "record"
  bool wait = false;  // for a core, if there is none
};
// -> 0 done, 1 could not record, 3 no core.
int record(const RecordOptions& options);

struct RecordingOptions {
  std::string file;
  std::string out;
  bool json = false;
};
// -> 0 whole, 1 damaged or no recording.
int record_info(const RecordingOptions& options);
// Writes what can be read of a damaged file into another one. -> 0 done (or nothing to do), 1 not.
int record_repair(const RecordingOptions& options);
// What a lane's recording holds of bytes between drivers and devices, as an MCAP file. -> 0, 1.
int record_raw(const RecordingOptions& options);

}  // namespace rise::cli
