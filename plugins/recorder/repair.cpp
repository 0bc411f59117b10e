#include "plugins/recorder/repair.hpp"

#include <set>

namespace rise::recorder {

namespace {

constexpr std::size_t kChunkBytes = 1u << 20u;

}  // namespace

bool repair(Bytes file, const McapWriter::Output& output, RepairTotals* totals) {
  McapReader reader(file);
  McapWriterOptions options;
  options.library = "rise repair";
  McapWriter writer(options, output);
  if (!writer.begin()) return false;
  std::set<std::uint16_t> schemas;
  std::set<std::uint16_t> channels;
  McapMessage message;
  while (reader.next(&message)) {
    if (message.schema != nullptr && schemas.insert(message.schema->id).second) {
      writer.add(*message.schema);
    }
    if (channels.insert(message.channel->id).second) writer.add(*message.channel);
    writer.message(message.channel->id, message.sequence, message.log_time, message.publish_time,
                   message.data);
    if (writer.chunk_bytes() >= kChunkBytes && !writer.end_chunk()) return false;
  }
  totals->read = reader.totals();
  totals->was_whole = reader.whole();
  totals->faults = reader.faults();
  return writer.finish();
}

}  // namespace rise::recorder
