// What is in a segment file: a header, then records, each on a multiple of 8 bytes. Little endian.
//
//   header   64 bytes   magic, version, mark, first, after, created, crc
//   record   32 bytes   mark, length, number, time, crc of payload, crc of these
//            length bytes, and zeros up to a multiple of 8
//
// The mark is a random number per segment, and part of its name. It tells the segment's own records
// from what merely looks like some: the payload of a message may be a piece of a log.
//
// Two checksums per record: when the payload is damaged, its header still says where the next one
// begins; when the header is, the next one is looked for, and a damaged length misleads nobody.
// It is also why looking for it takes a time proportional to the bytes, whatever they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plugins/store/disk.hpp"

namespace rise::store {

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kHeaderBytes = 64;
inline constexpr std::size_t kRecordHeaderBytes = 32;
inline constexpr std::size_t kAlignment = 8;
// Beyond it a number is nonsense; so sums never overflow.
inline constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 62u;

struct SegmentHeader {
  std::uint32_t version = kFormatVersion;
  std::uint32_t mark = 0;       // not 0
  std::uint64_t first = 0;      // number of the first record, from 1
  std::uint64_t after = 0;      // number of the last record of the segment before; < first
  std::int64_t created_ns = 0;  // CLOCK_REALTIME
};

struct RecordHeader {
  std::uint32_t length = 0;  // of the payload
  std::uint64_t number = 0;
  std::int64_t time_ns = 0;  // when it was appended, CLOCK_REALTIME
  std::uint32_t payload_crc = 0;
};

// What a record takes in a segment.
constexpr std::uint64_t record_bytes(std::uint64_t payload_bytes) {
  return (kRecordHeaderBytes + payload_bytes + kAlignment - 1) / kAlignment * kAlignment;
}

void encode(const SegmentHeader& header, std::uint8_t out[kHeaderBytes]);
// Absent: damaged. Of any version.
std::optional<SegmentHeader> decode_segment_header(Bytes bytes);

// Fills record_bytes(payload.size()) bytes.
void encode_record(std::uint32_t mark, std::uint64_t number, std::int64_t time_ns, Bytes payload,
                   std::uint8_t* out);
// Of kRecordHeaderBytes. Absent: not a header of a record with this mark.
std::optional<RecordHeader> decode_record_header(std::uint32_t mark, const std::uint8_t* bytes);

// "00000000000000000001-0a1b2c3d.segment": in the order of names they are in order. Some of what a
// header says is said here, too, in case the header is damaged.
struct SegmentName {
  std::uint64_t first = 0;
  std::uint32_t mark = 0;
  bool operator==(const SegmentName&) const = default;
};
std::string text_of(const SegmentName& name);
// Absent: not a segment of ours.
std::optional<SegmentName> parse_segment_name(std::string_view text);

}  // namespace rise::store
