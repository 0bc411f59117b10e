// Events, command results and raw bytes in their recorded form (record.fbs).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <flatbuffers/flatbuffers.h>

#include "plugins/recorder/directory.hpp"
#include "plugins/recorder/mcap_format.hpp"
#include "record_generated.h"

namespace rise::recorder {

// What was said on a connection. `stream`: its number within the lane.
struct RawBytes {
  std::uint16_t machine = 0;
  recorded::Direction direction = recorded::Direction::Received;
  std::int32_t stream = 0;
  std::int64_t utc_ns = 0;
  std::int64_t mono_ns = 0;
  Bytes data;
};

// Reuses its memory: what encode() returns holds until the next call. One thread.
class RecordEncoder {
 public:
  // `machine`: null if it is an event of the lane.
  Bytes encode(const message::MachineEvent& event, const Machine* machine);
  // `machine`: null if the command was one to all machines.
  Bytes encode(const message::CommandResult& result, const Machine* machine);
  Bytes encode(const RawBytes& raw);

 private:
  template <class Table>
  Bytes finish(flatbuffers::Offset<Table> root);
  flatbuffers::FlatBufferBuilder builder_;
};

// The binary schema of Event, Command and Raw.
std::string_view record_schema();

}  // namespace rise::recorder
