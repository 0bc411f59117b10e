// A store-and-forward log in a folder whose files somebody else has made up. Input: files, each a
// kind, a number, two bytes of length and so much content. Kinds: a segment as it is; one whose
// header is made; one whose records are made, too, with checksums that are right (or nothing but
// wrong ones would ever be tried), some with a length that is a lie; the position, as it is or with
// its checksum.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "plugins/store/cursor.hpp"
#include "plugins/store/format.hpp"
#include "plugins/store/log.hpp"
#include "rt_core/record/crc32c.hpp"
#include "tests/plugins/store_medium.hpp"

using namespace rise;
using store::Bytes;
using test::Content;

namespace {

constexpr std::uint32_t kMark = 7;

void require(bool condition) {
  if (!condition) std::abort();
}

void put32(Content* bytes, std::size_t at, std::uint32_t value) {
  std::memcpy(bytes->data() + at, &value, sizeof value);
}

Content header(std::uint64_t first, std::uint64_t after) {
  Content bytes(store::kHeaderBytes);
  store::encode({store::kFormatVersion, kMark, first, after, 0}, bytes.data());
  return bytes;
}

#ifdef RISE_FUZZ_PLANT
// The planted fault: the length of a record is believed.
volatile unsigned planted_sink;
void planted(const Content& segment) {
  if (segment.size() < store::kHeaderBytes + store::kRecordHeaderBytes) return;
  const std::uint8_t* at = segment.data() + store::kHeaderBytes;
  const auto record = store::decode_record_header(kMark, at);
  if (!record) return;
  for (std::uint32_t i = 0; i < record->length; ++i) {
    planted_sink = at[store::kRecordHeaderBytes + i];
  }
}
#endif

// Of three bytes each: how the number differs from the one before, the length, and what is wrong.
void add_records(std::uint64_t first, Bytes content, Content* bytes) {
  std::uint64_t number = first - 1;
  for (; content.size() >= 3; content = content.subspan(3)) {
    number += content[0] < 200 ? 1u : static_cast<std::uint64_t>(content[0]) - 225;
    const std::size_t at = bytes->size();
    const Content payload(content[1], content[2]);
    bytes->resize(at + store::record_bytes(payload.size()));
    store::encode_record(kMark, number, 1, payload, &(*bytes)[at]);
    switch (content[2] & 7u) {
      case 1:  // the length
        put32(bytes, at + 4, content[2] * 40u);
        put32(bytes, at + 28, record::crc32c(&(*bytes)[at], 28));
        break;
      case 2: (*bytes)[at + 8] ^= content[2]; break;  // the header
      case 3: (*bytes)[bytes->size() - 1] ^= 1; break;
      case 4: bytes->resize(bytes->size() - content[2] / 8 % 32); break;
      default: break;
    }
  }
}

Content position(Bytes content) {
  Content bytes(4096 + 32);
  for (std::size_t i = 0; i < std::min<std::size_t>(content.size(), 64); ++i) {
    bytes[i < 32 ? i : 4096 + i - 32] = content[i];
  }
  for (const std::size_t at : {std::size_t{0}, std::size_t{4096}}) {
    std::memcpy(&bytes[at], "RISEPOS1", 8);
    bytes[at + 23] &= 0x0f;  // beyond it there is no room for more, and none is believed
    put32(&bytes, at + 28, record::crc32c(&bytes[at], 28));
  }
  return bytes;
}

void add_file(std::uint8_t kind, std::uint8_t number, Bytes content, test::Medium* medium) {
  const std::uint64_t first = number >= 250 ? store::kMaxNumber / 4 - (255u - number) : 1u + number;
  std::string name = store::text_of(store::SegmentName{first, kMark});
  Content bytes;
  switch (kind % 5) {
    case 0: bytes.assign(content.begin(), content.end()); break;
    case 1:
      bytes = header(first, first - 1);
      bytes.insert(bytes.end(), content.begin(), content.end());
      break;
    case 2:
      bytes = header(first, first - 1 - std::min<std::uint64_t>(first - 1, kind / 5));
      add_records(first, content, &bytes);
      break;
    case 3:
      name = "position";
      bytes.assign(content.begin(), content.end());
      break;
    default: name = "position"; bytes = position(content);
  }
#ifdef RISE_FUZZ_PLANT
  if (name != "position") planted(Content(bytes));
#endif
  medium->names()[name] =
      std::make_shared<test::Medium::File>(test::Medium::File{name, bytes, bytes, {}});
}

struct Seen {
  std::uint64_t number = 0;
  std::string payload;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> read_all(store::Log* log, std::size_t most) {
  std::vector<Seen> out;
  auto cursor = log->cursor();
  while (const auto record = cursor.next()) {
    require(out.empty() || record->number > out.back().number);
    out.push_back({record->number, {record->payload.begin(), record->payload.end()}});
    require(out.size() <= most);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes rest(data, size);
  auto medium = std::make_shared<test::Medium>();
  std::size_t most = 2;
  for (int files = 0; files < 6 && rest.size() >= 4; ++files) {
    const std::size_t wanted = rest[2] + 256u * (rest[3] % 16u);
    const std::size_t length = std::min(wanted, rest.size() - 4);
    add_file(rest[0], rest[1], rest.subspan(4, length), medium.get());
    rest = rest.subspan(4 + length);
  }
  for (const std::string& name : medium->segments()) {
    most += medium->content(name).size() / store::kRecordHeaderBytes;
  }

  store::LogOptions options;
  options.segment_bytes = 4096;
  options.max_bytes = 1 << 20;
  options.sync = store::Sync::Never;
  options.clock = [] { return std::int64_t{5}; };
  std::unique_ptr<store::Log> log;
  const auto open = [&] {
    log.reset();
    log = store::Log::open(options, std::make_unique<test::MemoryDisk>(medium));
  };
  open();
  std::vector<Seen> seen = read_all(log.get(), most);
  // What was told apart once is so the next time.
  open();
  require(read_all(log.get(), most) == seen);
  require(log->status().counters.torn == 0);
  const store::Appended appended = log->append(store::bytes_of("one more"));
  require(appended.stored == 1);
  require(seen.empty() || appended.last > seen.back().number);
  seen.push_back({appended.last, "one more"});
  require(read_all(log.get(), most) == seen);
  require(log->status().depth.records >= seen.size());
  open();
  require(read_all(log.get(), most) == seen);
  log->acknowledge(seen[seen.size() / 2].number);
  seen.erase(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 2 + 1));
  open();
  require(read_all(log.get(), most) == seen);
  log->acknowledge(appended.last);
  require(log->status().depth.records == 0);
  require(read_all(log.get(), most).empty());
  return 0;
}
