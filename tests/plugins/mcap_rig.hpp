// Small MCAP files in memory, and what is found in them again.
#pragma once

#include <string>
#include <vector>

#include "plugins/recorder/mcap_reader.hpp"
#include "plugins/recorder/mcap_writer.hpp"

namespace rise::test {

struct Given {
  std::uint16_t channel = 0;
  std::uint32_t sequence = 0;
  std::uint64_t log_time = 0;
  std::string data;
  bool operator==(const Given&) const = default;
};

inline recorder::Bytes bytes_of_text(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A file of so many chunks with three messages each, of two channels.
struct McapRig {
  std::string file;
  std::vector<Given> given;
  std::vector<std::size_t> chunk_ends;  // file size behind each
  bool refuse = false;
  recorder::McapWriter writer{recorder::McapWriterOptions{}, [this](std::string_view bytes) {
                                if (refuse) return false;
                                file += bytes;
                                return true;
                              }};

  McapRig() {
    writer.begin();
    writer.add(recorder::Schema{1, "s", "flatbuffer", std::string("schema\0bytes", 12)});
    writer.add(recorder::Channel{1, 1, "telemetry/a", "flatbuffer", {{"machine", "a"}}});
    writer.add(recorder::Channel{2, 0, "notes", "json", {}});
  }
  void message(std::uint16_t channel, std::uint64_t time, const std::string& data) {
    given.push_back({channel, static_cast<std::uint32_t>(given.size()), time, data});
    const Given& last = given.back();
    writer.message(channel, last.sequence, time, time + 1, bytes_of_text(data));
  }
  void chunks(int count) {
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::uint64_t>(1000 + 10 * i);
      message(1, at, "first of " + std::to_string(i));
      message(2, at + 1, "{}");
      message(1, at + 2, std::string(40, static_cast<char>('a' + i)));
      writer.end_chunk();
      chunk_ends.push_back(file.size());
    }
  }
};

struct Found {
  std::vector<Given> messages;
  std::vector<recorder::Fault> faults;
  bool whole = false;
  bool has_end = false;
};

inline Found read_all(recorder::Bytes file, recorder::ReaderLimits limits = {}) {
  recorder::McapReader reader(file, limits);
  recorder::McapMessage message;
  Found found;
  while (reader.next(&message)) {
    found.messages.push_back(
        {message.channel->id,
         message.sequence,
         message.log_time,
         {reinterpret_cast<const char*>(message.data.data()), message.data.size()}});
  }
  found.faults = reader.faults();
  found.whole = reader.whole();
  found.has_end = reader.has_end();
  return found;
}

// In memory of its own size, where a sanitizer finds one byte too far.
inline Found read_exactly(const std::string& file, recorder::ReaderLimits limits = {}) {
  const std::vector<std::uint8_t> copy(file.begin(), file.end());
  return read_all(copy, limits);
}

}  // namespace rise::test
