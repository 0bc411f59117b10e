#include "plugins/recorder/mcap_format.hpp"

#include <array>
#include <cstring>

namespace rise::recorder {

namespace {

// Eight tables, so that eight bytes go in at once: tables[k][b] is what b does k bytes further on.
using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;
constexpr std::uint32_t kPolynomial = 0xedb88320;  // reflected

constexpr CrcTables make_tables() {
  CrcTables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}
constexpr CrcTables kCrc = make_tables();

}  // namespace

std::uint32_t crc32(const void* bytes, std::size_t length, std::uint32_t before) {
  const auto* at = static_cast<const std::uint8_t*>(bytes);
  std::uint32_t crc = ~before;
  for (; length >= 8; length -= 8, at += 8) {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + 4, 4);
    low ^= crc;
    crc = kCrc[7][low & 0xff] ^ kCrc[6][(low >> 8) & 0xff] ^ kCrc[5][(low >> 16) & 0xff] ^
          kCrc[4][low >> 24] ^ kCrc[3][high & 0xff] ^ kCrc[2][(high >> 8) & 0xff] ^
          kCrc[1][(high >> 16) & 0xff] ^ kCrc[0][high >> 24];
  }
  for (; length > 0; --length, ++at) crc = (crc >> 8) ^ kCrc[0][(crc ^ *at) & 0xff];
  return ~crc;
}

Encoder::Encoder(std::string* out, Op op) : out_(out), begin_(out->size()) {
  u8(static_cast<std::uint8_t>(op));
  u64(0);
}

Encoder::~Encoder() { patch(begin_ + 1, out_->size() - begin_ - kPrefixBytes, 8); }

Encoder& Encoder::u8(std::uint8_t value) {
  out_->push_back(static_cast<char>(value));
  return *this;
}

Encoder& Encoder::u16(std::uint16_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out_->append(bytes, sizeof value);
  return *this;
}

Encoder& Encoder::u32(std::uint32_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out_->append(bytes, sizeof value);
  return *this;
}

Encoder& Encoder::u64(std::uint64_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out_->append(bytes, sizeof value);
  return *this;
}

Encoder& Encoder::text(std::string_view value) {
  u32(static_cast<std::uint32_t>(value.size()));
  return bytes(value);
}

Encoder& Encoder::bytes(std::string_view value) {
  out_->append(value);
  return *this;
}

void Encoder::patch(std::size_t at, std::uint64_t value, std::size_t bytes) {
  std::memcpy(out_->data() + at, &value, bytes);
}

void append(std::string* out, const Schema& schema) {
  Encoder(out, Op::Schema).u16(schema.id).text(schema.name).text(schema.encoding).text(schema.data);
}

void append(std::string* out, const Channel& channel) {
  Encoder record(out, Op::Channel);
  record.u16(channel.id).u16(channel.schema_id).text(channel.topic).text(channel.encoding);
  record.block([&] {
    for (const auto& [key, value] : channel.metadata) record.text(key).text(value);
  });
}

void append(std::string* out, const ChunkIndex& index) {
  Encoder record(out, Op::ChunkIndex);
  record.u64(index.head.start_time).u64(index.head.end_time);
  record.u64(index.offset).u64(index.length);
  record.block([&] {
    for (const auto& [channel, offset] : index.message_indexes) record.u16(channel).u64(offset);
  });
  record.u64(index.message_index_bytes).text(index.head.compression);
  record.u64(index.packed_bytes).u64(index.head.raw_bytes);
}

void append(std::string* out, const Statistics& statistics) {
  Encoder record(out, Op::Statistics);
  record.u64(statistics.messages).u16(statistics.schemas).u32(statistics.channels);
  record.u32(statistics.attachments).u32(statistics.metadata).u32(statistics.chunks);
  record.u64(statistics.start_time).u64(statistics.end_time);
  record.block([&] {
    for (const auto& [channel, count] : statistics.channel_messages) record.u16(channel).u64(count);
  });
}

std::uint64_t Decoder::number(std::size_t bytes) {
  if (rest_.size() < bytes) good_ = false;
  if (!good_) return 0;
  std::uint64_t value = 0;
  std::memcpy(&value, rest_.data(), bytes);
  rest_ = rest_.subspan(bytes);
  return value;
}

Bytes Decoder::bytes(std::uint64_t length) {
  if (rest_.size() < length) good_ = false;
  if (!good_) return {};
  const Bytes taken = rest_.first(static_cast<std::size_t>(length));
  rest_ = rest_.subspan(static_cast<std::size_t>(length));
  return taken;
}

std::string_view Decoder::text() {
  const Bytes taken = bytes(u32());
  return {reinterpret_cast<const char*>(taken.data()), taken.size()};
}

bool parse(Bytes content, Schema* schema) {
  Decoder decoder(content);
  schema->id = decoder.u16();
  schema->name = decoder.text();
  schema->encoding = decoder.text();
  schema->data = decoder.text();
  return decoder.good() && schema->id != 0;
}

bool parse(Bytes content, Channel* channel) {
  Decoder decoder(content);
  channel->id = decoder.u16();
  channel->schema_id = decoder.u16();
  channel->topic = decoder.text();
  channel->encoding = decoder.text();
  channel->metadata.clear();
  Decoder entries(decoder.bytes(decoder.u32()));
  while (!entries.rest().empty() && entries.good()) {
    std::string key(entries.text());
    channel->metadata[std::move(key)] = entries.text();
  }
  return decoder.good() && entries.good();
}

bool parse(Bytes content, ChunkHead* head, Bytes* records) {
  Decoder decoder(content);
  head->start_time = decoder.u64();
  head->end_time = decoder.u64();
  head->raw_bytes = decoder.u64();
  head->crc = decoder.u32();
  head->compression = decoder.text();
  *records = decoder.bytes(decoder.u64());
  return decoder.good();
}

bool parse(Bytes content, Statistics* statistics) {
  Decoder decoder(content);
  statistics->messages = decoder.u64();
  statistics->schemas = decoder.u16();
  statistics->channels = decoder.u32();
  statistics->attachments = decoder.u32();
  statistics->metadata = decoder.u32();
  statistics->chunks = decoder.u32();
  statistics->start_time = decoder.u64();
  statistics->end_time = decoder.u64();
  Decoder counts(decoder.bytes(decoder.u32()));
  while (!counts.rest().empty() && counts.good()) {
    const std::uint16_t channel = counts.u16();
    statistics->channel_messages[channel] = counts.u64();
  }
  return decoder.good() && counts.good();
}

bool parse(Bytes content, Footer* footer) {
  Decoder decoder(content);
  footer->summary_start = decoder.u64();
  footer->summary_offset_start = decoder.u64();
  footer->summary_crc = decoder.u32();
  return decoder.good() && decoder.rest().empty();
}

bool is_message_index(Bytes content) {
  Decoder decoder(content);
  decoder.u16();
  const std::uint32_t length = decoder.u32();
  return decoder.good() && length == decoder.rest().size() && length % 16 == 0;
}

std::optional<Record> first_record(Bytes bytes) {
  Decoder decoder(bytes);
  const std::uint8_t op = decoder.u8();
  const Bytes content = decoder.bytes(decoder.u64());
  if (!decoder.good()) return std::nullopt;
  return Record{static_cast<Op>(op), content};
}

}  // namespace rise::recorder
