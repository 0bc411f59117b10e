#include "rt_core/record/format.hpp"

#include <cstdio>
#include <cstring>

#include "rt_core/record/crc32c.hpp"
#include "schema_hash.hpp"

namespace rise::record {

namespace {

class Writer {
 public:
  template <class T>
  void number(T value) {
    const auto wide = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes.push_back(static_cast<std::uint8_t>(wide >> (8 * i)));
    }
  }
  void text(const std::string& value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes.insert(bytes.end(), value.begin(), value.end());
  }
  std::vector<std::uint8_t> bytes;
};

// Past the end everything is 0 and empty, and good() is false.
class Reader {
 public:
  Reader(const std::uint8_t* bytes, std::size_t length) : at_(bytes), left_(length) {}
  template <class T>
  T number() {
    if (left_ < sizeof(T)) return fail<T>();
    std::uint64_t wide = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) wide |= std::uint64_t{at_[i]} << (8 * i);
    skip(sizeof(T));
    return static_cast<T>(wide);
  }
  std::string text() {
    const auto length = number<std::uint32_t>();
    if (left_ < length) return fail<std::string>();
    std::string value(reinterpret_cast<const char*>(at_), length);
    skip(length);
    return value;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::size_t left() const { return left_; }

 private:
  template <class T>
  T fail() {
    good_ = false;
    left_ = 0;
    return T();
  }
  void skip(std::size_t n) {
    at_ += n;
    left_ -= n;
  }
  const std::uint8_t* at_;
  std::size_t left_;
  bool good_ = true;
};

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

std::vector<std::uint8_t> encode(const Head& head) {
  Writer body;
  body.number(head.schema_hash);
  body.number(head.abi_major);
  body.number(head.abi_minor);
  body.number(head.lane);
  body.number(head.period_ns);
  body.number(head.seed);
  body.number(head.started_mono_ns);
  body.number(head.started_utc_ns);
  body.number(static_cast<std::uint8_t>((head.unclean ? 1 : 0) | (head.tripped ? 2 : 0)));
  body.number(head.stop_word);
  body.text(head.core);
  body.text(head.lane_name);
  body.text(head.config);
  body.number(static_cast<std::uint32_t>(head.machines.size()));
  for (const HeadMachine& machine : head.machines) {
    body.number(machine.number);
    body.text(machine.name);
    body.text(machine.driver);
    body.text(machine.driver_version);
  }
  Writer file;
  file.bytes.assign(std::begin(kFileMagic), std::end(kFileMagic));
  file.number(kVersion);
  file.number(static_cast<std::uint32_t>(body.bytes.size()));
  file.number(crc32c(body.bytes.data(), body.bytes.size()));
  file.bytes.insert(file.bytes.end(), body.bytes.begin(), body.bytes.end());
  return std::move(file.bytes);
}

Result<Head> decode_head(const std::uint8_t* bytes, std::size_t length, std::size_t* used) {
  if (length < kFilePrefixBytes || std::memcmp(bytes, kFileMagic, sizeof kFileMagic) != 0) {
    return Failure{"is no recording"};
  }
  Reader prefix(bytes + sizeof kFileMagic, kFilePrefixBytes - sizeof kFileMagic);
  const auto version = prefix.number<std::uint32_t>();
  const auto body_length = prefix.number<std::uint32_t>();
  const auto crc = prefix.number<std::uint32_t>();
  if (version != kVersion) {
    return Failure{"is a recording of version " + std::to_string(version) +
                   "; this program reads version " + std::to_string(kVersion) +
                   ": use the release that recorded it"};
  }
  if (body_length > kMaxHeadBytes) return Failure{"is damaged: its head claims to be too long"};
  if (length - kFilePrefixBytes < body_length) return Failure{"ends within its head"};
  if (crc32c(bytes + kFilePrefixBytes, body_length) != crc) {
    return Failure{"is damaged: the check sum of its head is wrong"};
  }
  Reader body(bytes + kFilePrefixBytes, body_length);
  Head head;
  head.schema_hash = body.number<std::uint64_t>();
  if (head.schema_hash != message::kSchemaHash) {
    return Failure{"was recorded with message schema " + hex(head.schema_hash) +
                   ", this program has " + hex(message::kSchemaHash) +
                   ": use the release that recorded it"};
  }
  head.abi_major = body.number<std::uint32_t>();
  head.abi_minor = body.number<std::uint32_t>();
  head.lane = body.number<std::uint32_t>();
  head.period_ns = body.number<std::int64_t>();
  head.seed = body.number<std::uint64_t>();
  head.started_mono_ns = body.number<std::int64_t>();
  head.started_utc_ns = body.number<std::int64_t>();
  const auto flags = body.number<std::uint8_t>();
  head.unclean = (flags & 1) != 0;
  head.tripped = (flags & 2) != 0;
  head.stop_word = body.number<std::uint64_t>();
  head.core = body.text();
  head.lane_name = body.text();
  head.config = body.text();
  const auto machines = body.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < machines && body.good(); ++i) {
    HeadMachine machine;
    machine.number = body.number<std::uint16_t>();
    machine.name = body.text();
    machine.driver = body.text();
    machine.driver_version = body.text();
    head.machines.push_back(std::move(machine));
  }
  if (!body.good() || body.left() != 0) return Failure{"is damaged: its head makes no sense"};
  *used = kFilePrefixBytes + body_length;
  return head;
}

}  // namespace rise::record
