// Recorded messages taken apart again, by what their channel says of them. The file may be
// anybody's: what is not as it must be is told, and never read beyond its end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "frame_generated.h"
#include "plugins/recorder/mcap_reader.hpp"
#include "record_generated.h"

namespace rise::recorder {

enum class TopicKind { Telemetry, Event, Command, Raw, Foreign };

struct RecordedSignal {
  std::string field;
  std::string name;
  std::string unit;
  std::string type;
};

struct Topic {
  TopicKind kind = TopicKind::Foreign;
  std::string name;                     // "telemetry/mill-1"
  std::string machine;                  // "" = of a lane
  std::string lane;                     // likewise
  std::vector<RecordedSignal> signals;  // of telemetry, in the order of the fields
};
Topic topic_of(const Channel& channel);

struct FrameRow {
  std::uint64_t sequence = 0;
  std::int64_t sample_utc_ns = 0;
  recorded::Quality quality = recorded::Quality::Good;
  std::vector<double> values;  // as topic.signals; NaN: not valid
};

// Keeps what it knows of channels, and the memory that messages are put into, since they must be
// aligned to be read. One thread; of one file.
class MessageDecoder {
 public:
  const Topic& topic(const Channel& channel);
  // Each false or null: it is not such a message.
  bool frame(const McapMessage& message, FrameRow* row);
  const recorded::Event* event(const McapMessage& message);      // until the next call
  const recorded::Command* command(const McapMessage& message);  // likewise
  const recorded::Raw* raw(const McapMessage& message);          // likewise

 private:
  template <class Table>
  const Table* verified(Bytes data);
  std::map<std::uint16_t, Topic> topics_;
  std::vector<std::uint64_t> aligned_;
  std::size_t bytes_ = 0;
};

// The message as one line of JSON without its end: time, topic, and what is in it; of telemetry the
// signals that `wanted` says yes to (all, if it is empty). "" = it cannot be read.
std::string json_line(const McapMessage& message, MessageDecoder* decoder,
                      const std::vector<bool>& wanted = {});

}  // namespace rise::recorder
