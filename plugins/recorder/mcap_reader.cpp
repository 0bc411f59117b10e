#include "plugins/recorder/mcap_reader.hpp"

#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace rise::recorder {

namespace {

// A chunk of ours at this place of its record: the length and the name of its compression.
constexpr char kChunkMark[] = {4, 0, 0, 0, 'z', 's', 't', 'd'};
constexpr std::size_t kMarkOffset = kPrefixBytes + 8 + 8 + 8 + 4;
constexpr std::size_t kMessageHead = 2 + 4 + 8 + 8;  // of a message, before its data

}  // namespace

bool is_mcap(Bytes file) {
  return file.size() >= sizeof kMagic && std::memcmp(file.data(), kMagic, sizeof kMagic) == 0;
}

McapReader::McapReader(Bytes file, ReaderLimits limits)
    : file_(file), limits_(limits), decompressor_(::ZSTD_createDCtx(), ::ZSTD_freeDCtx) {
  if (!is_mcap(file_)) fault(0, "does not begin as an MCAP file does");
  at_ = std::min(sizeof kMagic, file_.size());
}

McapReader::~McapReader() = default;

void McapReader::fault(std::size_t offset, std::string text) {
  ++totals_.faults;
  if (faults_.size() < limits_.faults) faults_.push_back({offset, std::move(text)});
}

bool McapReader::next(McapMessage* message) {
  while (true) {
    if (!message_.empty()) {
      const Bytes content = std::exchange(message_, {});
      if (deliver(content, message)) return true;
    }
    while (!chunk_.empty()) {
      // adopt() has seen that all records are whole.
      const Record record = *first_record(chunk_);
      chunk_ = chunk_.subspan(kPrefixBytes + record.content.size());
      if (record.op == Op::Message && deliver(record.content, message)) return true;
    }
    if (finished_) return false;
    step();
  }
}

// Takes the record at at_, and goes on behind it. Each call gets further.
void McapReader::step() {
  const std::size_t at = at_;
  if (at >= file_.size()) {
    fault(at, "ends without an end: cut off, or still being written");
    finished_ = true;
    return;
  }
  const auto record = first_record(file_.subspan(at));
  if (!record) {
    const bool at_chunk = file_[at] == static_cast<std::uint8_t>(Op::Chunk);
    fault(at, at_chunk ? "a chunk is cut off" : "a record is cut off or its length is damaged");
    resync(at + 1);
    return;
  }
  const std::size_t end = at + kPrefixBytes + record->content.size();
  // Whatever its first byte says: what looks like a chunk and has a right check sum is one.
  if (record->op == Op::Chunk || chunk_at(at)) {
    if (record->op != Op::Chunk) fault(at, "the kind of a chunk's record is damaged");
    take_chunk(at, end, record->content);
    return;
  }
  bool good = true;
  switch (record->op) {
    case Op::Header: {
      Decoder decoder(record->content);
      decoder.text();
      library_ = decoder.text();
      good = decoder.good();
      break;
    }
    case Op::Schema:
    case Op::Channel: good = learn(*record); break;
    case Op::Message:
      good = record->content.size() >= kMessageHead;
      if (good) message_ = record->content;
      break;
    case Op::MessageIndex: good = is_message_index(record->content); break;
    case Op::DataEnd:
      if (record->content.size() == 4) {
        take_end(at);
        return;
      }
      good = false;
      break;
    case Op::Footer:
      if (end + sizeof kMagic == file_.size() && record->content.size() == kFooterBytes) {
        check_tail(at);
        finished_ = true;
        return;
      }
      good = false;
      break;
    case Op::Attachment:
    case Op::Metadata: break;
    default: good = static_cast<std::uint8_t>(record->op) >= 0x80;  // somebody's extension
  }
  if (!good) {
    fault(at, "a record is damaged");
    resync(at + 1);
    return;
  }
  at_ = end;
}

// A chunk that is as long as its record, of a kind that may be read.
bool McapReader::chunk_at(std::size_t at) const {
  const auto record = first_record(file_.subspan(at));
  if (!record) return false;
  ChunkHead head;
  Bytes packed;
  return parse(record->content, &head, &packed) && head.compression == "zstd" &&
         packed.data() + packed.size() == record->content.data() + record->content.size() &&
         head.start_time <= head.end_time;
}

// Goes on at the next chunk. The marks are looked for in all bytes, so those within packed data are
// candidates, too; what is none will hardly have the right length.
void McapReader::resync(std::size_t from) {
  for (std::size_t at = from + kMarkOffset; at < file_.size(); ++at) {
    const void* found =
        ::memmem(file_.data() + at, file_.size() - at, kChunkMark, sizeof kChunkMark);
    if (found == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - file_.data());
    if (!chunk_at(at - kMarkOffset)) continue;
    at_ = at - kMarkOffset;
    return;
  }
  at_ = file_.size();
  finished_ = true;
}

void McapReader::take_chunk(std::size_t at, std::size_t end, Bytes content) {
  ChunkHead head;
  Bytes packed;
  if (!parse(content, &head, &packed) ||
      packed.data() + packed.size() != content.data() + content.size()) {
    fault(at, "the head of a chunk is damaged");
    resync(at + 1);
    return;
  }
  at_ = end;
  if (!unpack(at, head, packed) || !adopt(at)) {
    chunk_ = {};
    return;
  }
  ++totals_.chunks;
  totals_.raw_bytes += chunk_.size();
  totals_.packed_bytes += packed.size();
}

// The chunk's records into chunk_.
bool McapReader::unpack(std::size_t at, const ChunkHead& head, Bytes packed) {
  if (head.raw_bytes > limits_.chunk_bytes) {
    fault(at, "a chunk of " + std::to_string(head.raw_bytes) + " bytes is beyond the limit");
    return false;
  }
  const auto bytes = static_cast<std::size_t>(head.raw_bytes);
  if (head.compression == "zstd") {
    if (bytes > buffer_bytes_) {
      buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(bytes);
      buffer_bytes_ = bytes;
    }
    const std::size_t done = ::ZSTD_decompressDCtx(decompressor_.get(), buffer_.get(), bytes,
                                                   packed.data(), packed.size());
    if (::ZSTD_isError(done) != 0 || done != bytes) {
      fault(at, "a chunk cannot be uncompressed");
      return false;
    }
    chunk_ = {buffer_.get(), bytes};
  } else if (head.compression.empty()) {
    chunk_ = packed;
  } else {
    fault(at, "compression \"" + head.compression + "\" is not known here");
    return false;
  }
  if (head.crc != 0 && crc32(chunk_.data(), chunk_.size()) != head.crc) {
    fault(at, "the check sum of a chunk is wrong");
    return false;
  }
  return true;
}

// All records of chunk_ are whole and make sense. Its schemas and channels are learnt.
bool McapReader::adopt(std::size_t at) {
  Bytes rest = chunk_;
  while (!rest.empty()) {
    const auto record = first_record(rest);
    if (!record) {
      fault(at, "a record within a chunk is cut off");
      return false;
    }
    rest = rest.subspan(kPrefixBytes + record->content.size());
    bool good = true;
    if (record->op == Op::Schema || record->op == Op::Channel) {
      good = learn(*record);
    } else if (record->op == Op::Message) {
      good = record->content.size() >= kMessageHead &&
             channels_.contains(Decoder(record->content).u16());
    } else {
      good = static_cast<std::uint8_t>(record->op) >= 0x80;
    }
    if (!good) {
      fault(at, "a record within a chunk makes no sense");
      return false;
    }
  }
  return true;
}

// Those that are known already must be the same again.
bool McapReader::learn(const Record& record) {
  if (record.op == Op::Schema) {
    Schema schema;
    if (!parse(record.content, &schema)) return false;
    const auto [at, added] = schemas_.try_emplace(schema.id, schema);
    return added || at->second == schema;
  }
  Channel channel;
  if (!parse(record.content, &channel)) return false;
  if (channel.schema_id != 0 && !schemas_.contains(channel.schema_id)) return false;
  const auto [at, added] = channels_.try_emplace(channel.id, channel);
  return added || at->second == channel;
}

bool McapReader::deliver(Bytes content, McapMessage* message) {
  Decoder decoder(content);
  const auto channel = channels_.find(decoder.u16());
  message->sequence = decoder.u32();
  message->log_time = decoder.u64();
  message->publish_time = decoder.u64();
  message->data = decoder.rest();
  if (channel == channels_.end() || !decoder.good()) {
    fault(static_cast<std::size_t>(content.data() - file_.data()),
          "a message is of an unknown channel");
    return false;
  }
  message->channel = &channel->second;
  const auto schema = schemas_.find(channel->second.schema_id);
  message->schema = schema == schemas_.end() ? nullptr : &schema->second;
  ++totals_.messages;
  return true;
}

// The end of the data: what follows are summary and footer, for those who do not read it all.
void McapReader::take_end(std::size_t at) {
  has_end_ = true;
  finished_ = true;
  const std::uint32_t crc = Decoder(file_.subspan(at + kPrefixBytes)).u32();
  if (crc != 0 && crc32(file_.data(), at) != crc) {
    fault(at, "the check sum of the data section is wrong: something before has changed");
  }
  if (file_.size() < at + kTailBytes) {
    fault(file_.size(), "the summary is cut off");
  } else {
    check_tail(file_.size() - kTailBytes);
  }
}

void McapReader::check_tail(std::size_t at) {
  has_end_ = true;
  const std::uint8_t* magic = file_.data() + file_.size() - sizeof kMagic;
  const auto record = first_record(file_.subspan(at));
  Footer footer;
  if (std::memcmp(magic, kMagic, sizeof kMagic) != 0 || !record || record->op != Op::Footer ||
      !parse(record->content, &footer)) {
    fault(at, "the file does not end as an MCAP file does");
    return;
  }
  if (footer.summary_start == 0) {
    fault(at, "there is no summary");
    return;
  }
  const std::size_t crc_at = file_.size() - sizeof kMagic - 4;
  if (footer.summary_start > at || footer.summary_offset_start > at) {
    fault(at, "the footer points beyond the file");
    return;
  }
  const auto begin = static_cast<std::size_t>(footer.summary_start);
  if (footer.summary_crc != 0 &&
      crc32(file_.data() + begin, crc_at - begin) != footer.summary_crc) {
    fault(at, "the check sum of the summary is wrong");
    return;
  }
  for (Bytes rest = file_.subspan(begin, at - begin); !rest.empty();) {
    const auto entry = first_record(rest);
    if (!entry) {
      fault(at, "the summary is damaged");
      return;
    }
    rest = rest.subspan(kPrefixBytes + entry->content.size());
    Statistics statistics;
    if (entry->op != Op::Statistics || !parse(entry->content, &statistics)) continue;
    if (statistics.messages == totals_.messages) continue;
    fault(at, "the summary tells of " + std::to_string(statistics.messages) + " messages, " +
                  std::to_string(totals_.messages) + " were found");
  }
}

}  // namespace rise::recorder
