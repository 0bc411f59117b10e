#include "plugins/recorder/mcap_writer.hpp"

#include <zstd.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace rise::recorder {

McapWriter::McapWriter(McapWriterOptions options, Output output)
    : options_(std::move(options)),
      output_(std::move(output)),
      compressor_(::ZSTD_createCCtx(), ::ZSTD_freeCCtx) {
  ::ZSTD_CCtx_setParameter(compressor_.get(), ZSTD_c_compressionLevel, options_.level);
}

McapWriter::~McapWriter() = default;

bool McapWriter::put(const std::string& bytes) {
  if (!output_(bytes)) return false;
  offset_ += bytes.size();
  data_crc_ = crc32(bytes.data(), bytes.size(), data_crc_);
  return true;
}

bool McapWriter::begin() {
  std::string head(reinterpret_cast<const char*>(kMagic), sizeof kMagic);
  Encoder(&head, Op::Header).text(options_.profile).text(options_.library);
  return put(head);
}

void McapWriter::add(const Schema& schema) {
  append(&schemas_[schema.id].record, schema);
  statistics_.schemas = static_cast<std::uint16_t>(schemas_.size());
}

void McapWriter::add(const Channel& channel) {
  if (lines_.size() <= channel.id) lines_.resize(channel.id + std::size_t{1});
  auto line = std::make_unique<Line>();
  append(&line->record, channel);
  line->schema = channel.schema_id;
  lines_[channel.id] = std::move(line);
  ++statistics_.channels;
}

// The chunk gets the channel's record, and that of its schema, before the channel's first message.
void McapWriter::introduce(Line* line) {
  line->chunk = chunk_number_;
  const auto schema = schemas_.find(line->schema);
  if (schema != schemas_.end() && schema->second.chunk != chunk_number_) {
    schema->second.chunk = chunk_number_;
    chunk_ += schema->second.record;
  }
  chunk_ += line->record;
}

void McapWriter::message(std::uint16_t channel, std::uint32_t sequence, std::uint64_t log_time,
                         std::uint64_t publish_time, Bytes data) {
  assert(channel < lines_.size() && lines_[channel] != nullptr);
  Line& line = *lines_[channel];
  if (line.chunk != chunk_number_) {
    introduce(&line);
    in_chunk_.push_back(channel);
  }
  const std::uint64_t entry[2] = {log_time, chunk_.size()};
  line.index.append(reinterpret_cast<const char*>(entry), sizeof entry);
  Encoder(&chunk_, Op::Message)
      .u16(channel)
      .u32(sequence)
      .u64(log_time)
      .u64(publish_time)
      .bytes({reinterpret_cast<const char*>(data.data()), data.size()});
  // A clock that was set back makes times fall: the head says from where to where, in any order.
  head_.start_time = chunk_messages_ == 0 ? log_time : std::min(head_.start_time, log_time);
  head_.end_time = chunk_messages_ == 0 ? log_time : std::max(head_.end_time, log_time);
  ++chunk_messages_;
}

void McapWriter::clear_chunk() {
  for (const std::uint16_t channel : in_chunk_) lines_[channel]->index.clear();
  in_chunk_.clear();
  chunk_.clear();
  chunk_messages_ = 0;
  ++chunk_number_;
}

bool McapWriter::end_chunk() {
  if (chunk_messages_ == 0) return true;
  packed_.resize(::ZSTD_compressBound(chunk_.size()));
  const std::size_t packed = ::ZSTD_compress2(compressor_.get(), packed_.data(), packed_.size(),
                                              chunk_.data(), chunk_.size());
  if (::ZSTD_isError(packed) != 0) {
    clear_chunk();
    return false;
  }
  head_.raw_bytes = chunk_.size();
  head_.crc = crc32(chunk_.data(), chunk_.size());
  head_.compression = "zstd";

  ChunkIndex index;
  index.head = head_;
  index.offset = offset_;
  index.packed_bytes = packed;
  record_.clear();
  Encoder(&record_, Op::Chunk)
      .u64(head_.start_time)
      .u64(head_.end_time)
      .u64(head_.raw_bytes)
      .u32(head_.crc)
      .text(head_.compression)
      .u64(packed)
      .bytes({packed_.data(), packed});
  index.length = record_.size();
  for (const std::uint16_t channel : in_chunk_) {
    index.message_indexes[channel] = offset_ + record_.size();
    Encoder(&record_, Op::MessageIndex).u16(channel).text(lines_[channel]->index);
  }
  index.message_index_bytes = record_.size() - index.length;

  const bool written = put(record_);
  if (written) {
    const bool first = statistics_.messages == 0;
    statistics_.start_time =
        first ? head_.start_time : std::min(statistics_.start_time, head_.start_time);
    statistics_.end_time = first ? head_.end_time : std::max(statistics_.end_time, head_.end_time);
    statistics_.messages += chunk_messages_;
    ++statistics_.chunks;
    for (const std::uint16_t channel : in_chunk_) {
      statistics_.channel_messages[channel] += lines_[channel]->index.size() / 16;
    }
    raw_bytes_ += head_.raw_bytes;
    indexes_.push_back(std::move(index));
  }
  clear_chunk();
  return written;
}

// Everything behind the data: groups of records of one kind, then where each group is.
std::string McapWriter::summary() const {
  std::string out;
  std::string offsets;
  const auto group = [&](Op op, const auto& fill) {
    const std::size_t begin = out.size();
    fill();
    if (out.size() == begin) return;
    Encoder(&offsets, Op::SummaryOffset)
        .u8(static_cast<std::uint8_t>(op))
        .u64(offset_ + begin)
        .u64(out.size() - begin);
  };
  group(Op::Schema, [&] {
    for (const auto& [id, schema] : schemas_) out += schema.record;
  });
  group(Op::Channel, [&] {
    for (const auto& line : lines_) out += line == nullptr ? "" : line->record;
  });
  group(Op::ChunkIndex, [&] {
    for (const ChunkIndex& index : indexes_) append(&out, index);
  });
  group(Op::Statistics, [&] { append(&out, statistics_); });
  const std::size_t offsets_at = out.size();
  out += offsets;
  {
    Encoder footer(&out, Op::Footer);
    footer.u64(offset_).u64(offset_ + offsets_at).u32(0);
  }
  // The check sum goes from the summary's begin to itself, the footer's first fields included. The
  // footer's length must be in place before.
  const std::uint32_t crc = crc32(out.data(), out.size() - 4);
  std::memcpy(out.data() + out.size() - 4, &crc, sizeof crc);
  out.append(reinterpret_cast<const char*>(kMagic), sizeof kMagic);
  return out;
}

bool McapWriter::finish() {
  const bool whole = end_chunk();
  std::string end;
  Encoder(&end, Op::DataEnd).u32(data_crc_);
  if (!put(end)) return false;
  return put(summary()) && whole;
}

}  // namespace rise::recorder
