#include "plugins/store/format.hpp"

#include <bit>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "rt_core/record/crc32c.hpp"

namespace rise::store {

static_assert(std::endian::native == std::endian::little, "the format is");

namespace {

constexpr char kMagic[8] = {'R', 'I', 'S', 'E', 'S', 'T', 'O', 'R'};
constexpr std::size_t kHeaderCrcAt = 60;
constexpr std::size_t kRecordCrcAt = 28;
constexpr std::string_view kSuffix = ".segment";
constexpr std::size_t kFirstDigits = 20;
constexpr std::size_t kMarkDigits = 8;

template <class T>
void put(std::uint8_t* out, T value) {
  std::memcpy(out, &value, sizeof value);
}

template <class T>
T get(const std::uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// All of the text is digits of that base.
template <class T>
bool parse(std::string_view text, int base, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value, base);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void encode(const SegmentHeader& header, std::uint8_t out[kHeaderBytes]) {
  std::memset(out, 0, kHeaderBytes);
  std::memcpy(out, kMagic, sizeof kMagic);
  put(out + 8, header.version);
  put(out + 12, header.mark);
  put(out + 16, header.first);
  put(out + 24, header.after);
  put(out + 32, header.created_ns);
  put(out + kHeaderCrcAt, record::crc32c(out, kHeaderCrcAt));
}

std::optional<SegmentHeader> decode_segment_header(Bytes bytes) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  const std::uint8_t* at = bytes.data();
  if (std::memcmp(at, kMagic, sizeof kMagic) != 0) return std::nullopt;
  if (get<std::uint32_t>(at + kHeaderCrcAt) != record::crc32c(at, kHeaderCrcAt)) {
    return std::nullopt;
  }
  SegmentHeader header;
  header.version = get<std::uint32_t>(at + 8);
  header.mark = get<std::uint32_t>(at + 12);
  header.first = get<std::uint64_t>(at + 16);
  header.after = get<std::uint64_t>(at + 24);
  header.created_ns = get<std::int64_t>(at + 32);
  return header;
}

void encode_record(std::uint32_t mark, std::uint64_t number, std::int64_t time_ns, Bytes payload,
                   std::uint8_t* out) {
  put(out, mark);
  put(out + 4, static_cast<std::uint32_t>(payload.size()));
  put(out + 8, number);
  put(out + 16, time_ns);
  put(out + 24, record::crc32c(payload.data(), payload.size()));
  put(out + kRecordCrcAt, record::crc32c(out, kRecordCrcAt));
  if (!payload.empty()) std::memcpy(out + kRecordHeaderBytes, payload.data(), payload.size());
  const std::size_t used = kRecordHeaderBytes + payload.size();
  std::memset(out + used, 0, record_bytes(payload.size()) - used);
}

std::optional<RecordHeader> decode_record_header(std::uint32_t mark, const std::uint8_t* bytes) {
  if (get<std::uint32_t>(bytes) != mark) return std::nullopt;
  if (get<std::uint32_t>(bytes + kRecordCrcAt) != record::crc32c(bytes, kRecordCrcAt)) {
    return std::nullopt;
  }
  return RecordHeader{get<std::uint32_t>(bytes + 4), get<std::uint64_t>(bytes + 8),
                      get<std::int64_t>(bytes + 16), get<std::uint32_t>(bytes + 24)};
}

std::string text_of(const SegmentName& name) {
  char text[64];
  std::snprintf(text, sizeof text, "%020llu-%08x", static_cast<unsigned long long>(name.first),
                name.mark);
  return text + std::string(kSuffix);
}

std::optional<SegmentName> parse_segment_name(std::string_view text) {
  SegmentName name;
  if (text.size() != kFirstDigits + 1 + kMarkDigits + kSuffix.size() || !text.ends_with(kSuffix) ||
      text[kFirstDigits] != '-' || !parse(text.substr(0, kFirstDigits), 10, &name.first) ||
      !parse(text.substr(kFirstDigits + 1, kMarkDigits), 16, &name.mark)) {
    return std::nullopt;
  }
  // What we would not have written ourselves (upper case, a mark of 0) is somebody else's.
  if (name.first == 0 || name.first > kMaxNumber || name.mark == 0 || text_of(name) != text) {
    return std::nullopt;
  }
  return name;
}

}  // namespace rise::store
