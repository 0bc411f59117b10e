// A new file with all that can still be read of a damaged one: every good chunk's messages, with
// indexes and summary.
#pragma once

#include <string>

#include "plugins/recorder/mcap_reader.hpp"
#include "plugins/recorder/mcap_writer.hpp"

namespace rise::recorder {

struct RepairTotals {
  ReaderTotals read;
  bool was_whole = false;
  std::vector<Fault> faults;
};

// Messages, channels and schemas keep their numbers, times and order. `output` as of McapWriter.
// False: the output was refused.
bool repair(Bytes file, const McapWriter::Output& output, RepairTotals* totals);

}  // namespace rise::recorder
