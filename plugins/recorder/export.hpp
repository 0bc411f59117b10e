// Recordings for other programs: CSV, lines of JSON, and MCAP with messages in JSON for those that
// read MCAP but no FlatBuffers.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/recorder/mcap_reader.hpp"
#include "plugins/recorder/topic.hpp"
#include "rt_core/result.hpp"

namespace rise::recorder {

// Patterns as of a shell (fnmatch): "telemetry/*", "axis.?.position".
struct Selection {
  std::vector<std::string> topics;   // none: all
  std::vector<std::string> signals;  // none: all; else telemetry only, and what has such signals
  std::uint64_t from_ns = 0;         // UTC, the first
  std::uint64_t to_ns = std::numeric_limits<std::uint64_t>::max();  // and the last

  [[nodiscard]] bool takes(std::uint64_t time_ns) const {
    return time_ns >= from_ns && time_ns <= to_ns;
  }
  [[nodiscard]] bool takes_topic(const std::string& name) const;
  [[nodiscard]] bool takes_signal(const std::string& name) const;
};

struct ExportTotals {
  std::uint64_t written = 0;     // rows, lines or messages
  std::uint64_t unreadable = 0;  // messages that were none of ours
  ReaderTotals read;
  bool whole = false;
};

// Takes text; false: it can take no more, and the export ends.
using TextOutput = std::function<bool(std::string_view)>;

// A row per sample time, a column per signal: "mill-1/axis.x.position [mm]". A cell is empty where
// that time has no valid value of it. An error if nothing of the selection is telemetry.
Result<ExportTotals> export_csv(Bytes file, const Selection& selection, const TextOutput& output);
// A line per message, as json_line().
Result<ExportTotals> export_json(Bytes file, const Selection& selection, const TextOutput& output);
// An MCAP file whose messages are JSON: of telemetry an object of its signals, of others the line.
Result<ExportTotals> export_mcap(Bytes file, const Selection& selection, const TextOutput& output);

}  // namespace rise::recorder
