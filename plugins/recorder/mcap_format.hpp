// MCAP as bytes: opcodes, records, check sum. What the specification (mcap.dev/spec) calls its
// types is written by an Encoder and read by a Decoder; all numbers are little-endian, times are
// nanoseconds since 1970 (UTC).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rise::recorder {

using Bytes = std::span<const std::uint8_t>;

inline constexpr std::uint8_t kMagic[8] = {0x89, 'M', 'C', 'A', 'P', '0', '\r', '\n'};
inline constexpr std::size_t kPrefixBytes = 9;   // opcode and length before each record's content
inline constexpr std::size_t kFooterBytes = 20;  // content of the footer
// The footer as a record, and the magic behind it: what a finished file ends with.
inline constexpr std::size_t kTailBytes = kPrefixBytes + kFooterBytes + sizeof kMagic;

enum class Op : std::uint8_t {
  Header = 1,
  Footer = 2,
  Schema = 3,
  Channel = 4,
  Message = 5,
  Chunk = 6,
  MessageIndex = 7,
  ChunkIndex = 8,
  Attachment = 9,
  AttachmentIndex = 10,
  Statistics = 11,
  Metadata = 12,
  MetadataIndex = 13,
  SummaryOffset = 14,
  DataEnd = 15,
};

using Metadata = std::map<std::string, std::string>;

struct Schema {
  std::uint16_t id = 0;  // from 1
  std::string name;
  std::string encoding;
  std::string data;
  bool operator==(const Schema&) const = default;
};

struct Channel {
  std::uint16_t id = 0;
  std::uint16_t schema_id = 0;  // 0: has none
  std::string topic;
  std::string encoding;
  Metadata metadata;
  bool operator==(const Channel&) const = default;
};

// The fields of a chunk before its (compressed) records.
struct ChunkHead {
  std::uint64_t start_time = 0;  // earliest log time in it
  std::uint64_t end_time = 0;    // latest
  std::uint64_t raw_bytes = 0;   // of its records, uncompressed
  std::uint32_t crc = 0;         // of these; 0: none
  std::string compression;       // "zstd", "" = none
};

struct ChunkIndex {
  ChunkHead head;
  std::uint64_t offset = 0;  // of the chunk record, from the start of the file
  std::uint64_t length = 0;  // with its prefix
  std::map<std::uint16_t, std::uint64_t> message_indexes;  // channel: offset in the file
  std::uint64_t message_index_bytes = 0;
  std::uint64_t packed_bytes = 0;
};

struct Statistics {
  std::uint64_t messages = 0;
  std::uint16_t schemas = 0;
  std::uint32_t channels = 0;
  std::uint32_t attachments = 0;
  std::uint32_t metadata = 0;
  std::uint32_t chunks = 0;
  std::uint64_t start_time = 0;
  std::uint64_t end_time = 0;
  std::map<std::uint16_t, std::uint64_t> channel_messages;
};

struct Footer {
  std::uint64_t summary_start = 0;
  std::uint64_t summary_offset_start = 0;
  std::uint32_t summary_crc = 0;
};

// CRC-32 with the polynomial of Ethernet and zlib. `before`: of the bytes before these.
std::uint32_t crc32(const void* bytes, std::size_t length, std::uint32_t before = 0);

// Appends one record; its length is filled in when the encoder ends.
class Encoder {
 public:
  Encoder(std::string* out, Op op);
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  Encoder& u8(std::uint8_t value);
  Encoder& u16(std::uint16_t value);
  Encoder& u32(std::uint32_t value);
  Encoder& u64(std::uint64_t value);
  Encoder& text(std::string_view value);   // with its length before it
  Encoder& bytes(std::string_view value);  // without
  // A map or an array: its length in bytes stands before it.
  template <class Fill>
  Encoder& block(const Fill& fill) {
    const std::size_t at = out_->size();
    u32(0);
    fill();
    patch(at, out_->size() - at - 4, 4);
    return *this;
  }

 private:
  void patch(std::size_t at, std::uint64_t value, std::size_t bytes);
  std::string* out_;
  std::size_t begin_;
};

void append(std::string* out, const Schema& schema);
void append(std::string* out, const Channel& channel);
void append(std::string* out, const ChunkIndex& index);
void append(std::string* out, const Statistics& statistics);

// Takes a record's content apart. What is not there reads as nothing, and good() is false for good.
class Decoder {
 public:
  explicit Decoder(Bytes bytes) : rest_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  std::string_view text();
  Bytes bytes(std::uint64_t length);
  [[nodiscard]] Bytes rest() const { return rest_; }
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::uint64_t number(std::size_t bytes);
  Bytes rest_;
  bool good_ = true;
};

// False: the content is none of that kind. Fields that a later version has added are skipped.
bool parse(Bytes content, Schema* schema);
bool parse(Bytes content, Channel* channel);
bool parse(Bytes content, ChunkHead* head, Bytes* records);
bool parse(Bytes content, Statistics* statistics);
bool parse(Bytes content, Footer* footer);
// A message index is as long as it says.
bool is_message_index(Bytes content);

struct Record {
  Op op = Op::Header;
  Bytes content;
};
// The record at the beginning. Absent: it is not there as a whole.
std::optional<Record> first_record(Bytes bytes);

}  // namespace rise::recorder
