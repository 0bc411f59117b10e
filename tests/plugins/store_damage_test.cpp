// A small log, cut and altered at every byte of each of its files: whatever is undamaged comes
// back, exactly that, in order. What is undamaged is told by a reader of the test's own.
#include <algorithm>
#include <cstring>
#include <map>

#include "tests/plugins/store_rig.hpp"

using namespace rise;
using namespace rise::test;

namespace {

struct Range {
  std::uint64_t number = 0;
  std::size_t begin = 0;
  std::size_t end = 0;  // without the zeros behind
};

template <class T>
T at(const Content& bytes, std::size_t where) {
  T value;
  std::memcpy(&value, &bytes[where], sizeof value);
  return value;
}

// Where the records of an undamaged segment lie. Believes every length and no checksum.
std::vector<Range> ranges(const Content& segment) {
  std::vector<Range> out;
  std::size_t begin = 64;
  while (begin + 32 <= segment.size()) {
    const std::size_t end = begin + 32 + at<std::uint32_t>(segment, begin + 4);
    if (end > segment.size()) break;
    out.push_back({at<std::uint64_t>(segment, begin + 8), begin, end});
    begin = (end + 7) / 8 * 8;
  }
  return out;
}

}  // namespace

TEST_GROUP(StoreDamage) {
  static constexpr std::uint64_t kRecords = 22;

  void setup() override {
    StoreRig rig;
    rig.open();
    rig.fill(1, kRecords);
    original = rig.medium->copy();
    for (const std::string& name : original->segments()) {
      layout[name] = ranges(original->content(name));
    }
    CHECK(layout.size() >= 4);
  }

  // Reopened after `damage` to a file: all but `lost` come back, and what is appended then, too.
  void check(const std::string& name, std::size_t offset, const std::vector<std::uint64_t>& lost,
             const std::function<void(Content*)>& damage) {
    StoreRig rig;
    rig.medium = original->copy();
    damage(&rig.medium->content(name));
    rig.open();
    std::vector<Got> expected;
    for (std::uint64_t i = 1; i <= kRecords; ++i) {
      if (std::find(lost.begin(), lost.end(), i) == lost.end()) {
        expected.push_back({i, payload_of(i)});
      }
    }
    const std::string where = name + " at byte " + std::to_string(offset);
    CHECK_TEXT(read_all(rig.log.get()) == expected, where.c_str());
    const bool is_last = name == original->segments().back();
    const store::Counters counters = rig.counters();
    if (is_last && !lost.empty() && lost.back() == kRecords) {
      // All that is lost at the very end is a torn tail; what was lost before it, damage.
      LONGS_EQUAL_TEXT(1, counters.torn, where.c_str());
    } else {
      LONGS_EQUAL_TEXT(lost.size(), counters.damaged, where.c_str());
    }
    const std::uint64_t next = rig.append("afterwards").last;
    CHECK_TEXT(next > (expected.empty() ? 0 : expected.back().number), where.c_str());
    expected.push_back({next, "afterwards"});
    CHECK_TEXT(read_all(rig.log.get()) == expected, where.c_str());
    rig.kill();
    rig.open();
    CHECK_TEXT(read_all(rig.log.get()) == expected, where.c_str());
    LONGS_EQUAL_TEXT(0, rig.counters().torn, where.c_str());
    rig.log->acknowledge(next);
    LONGS_EQUAL_TEXT(0, rig.log->status().depth.records, where.c_str());
    LONGS_EQUAL_TEXT(1, rig.medium->segments().size(), where.c_str());
  }

  std::shared_ptr<Medium> original;
  std::map<std::string, std::vector<Range>> layout;
};

TEST(StoreDamage, CutAtEveryByte) {
  for (const auto& [name, records] : layout) {
    for (std::size_t cut = 0; cut <= original->content(name).size(); ++cut) {
      std::vector<std::uint64_t> lost;
      for (const Range& record : records) {
        if (record.end > cut) lost.push_back(record.number);
      }
      // Cut between two records, nothing tells that there was more.
      const bool is_last = name == original->segments().back();
      if (is_last && std::any_of(records.begin(), records.end(), [&](const Range& record) {
            return record.end <= cut && (record.end + 7) / 8 * 8 >= cut;
          })) {
        continue;
      }
      if (is_last && cut == 64) continue;
      check(name, cut, lost, [cut](Content* file) { file->resize(cut); });
    }
  }
}

TEST(StoreDamage, CutBetweenTwoRecordsOfTheEnd) {
  const std::string name = original->segments().back();
  for (const Range& record : layout[name]) {
    for (std::size_t cut = record.end; cut <= (record.end + 7) / 8 * 8; ++cut) {
      StoreRig rig;
      rig.medium = original->copy();
      if (cut > rig.medium->content(name).size()) break;
      rig.medium->content(name).resize(cut);
      rig.open();
      const auto records = read_all(rig.log.get());
      LONGS_EQUAL(record.number, records.back().number);
      LONGS_EQUAL(record.number, records.size());
      LONGS_EQUAL(0, rig.counters().torn);
      LONGS_EQUAL(record.number + 1, rig.append("x").last);
      rig.kill();
      rig.open();
      LONGS_EQUAL(record.number + 1, read_all(rig.log.get()).size());
    }
  }
}

TEST(StoreDamage, EveryByteAltered) {
  for (const auto& [name, records] : layout) {
    for (std::size_t offset = 0; offset < original->content(name).size(); ++offset) {
      std::vector<std::uint64_t> lost;
      for (const Range& record : records) {
        if (record.begin <= offset && offset < record.end) lost.push_back(record.number);
      }
      for (const int bits : {1 << (offset % 8), 0xff}) {
        check(name, offset, lost, [=](Content* file) {
          (*file)[offset] = static_cast<std::uint8_t>((*file)[offset] ^ bits);
        });
      }
    }
  }
}

TEST(StoreDamage, EightBytesOfZerosAnywhere) {
  for (const auto& [name, records] : layout) {
    const Content& content = original->content(name);
    for (std::size_t offset = 0; offset + 8 <= content.size(); ++offset) {
      const std::size_t end = offset + 8;
      const bool differs = std::any_of(&content[offset], &content[offset] + 8,
                                       [](std::uint8_t byte) { return byte != 0; });
      if (!differs) continue;
      std::vector<std::uint64_t> lost;
      for (const Range& record : records) {
        const std::size_t from = std::max(record.begin, offset);
        const std::size_t to = std::min(record.end, end);
        if (from < to && std::any_of(&content[from], &content[from] + (to - from),
                                     [](std::uint8_t byte) { return byte != 0; })) {
          lost.push_back(record.number);
        }
      }
      check(name, offset, lost, [=](Content* file) {
        std::fill_n(file->begin() + static_cast<std::ptrdiff_t>(offset), 8, std::uint8_t{0});
      });
    }
  }
}

// The negative control: without the checksums altered records would be taken for whole ones.
TEST(StoreDamage, AReaderWithoutChecksumsTakesAlteredRecords) {
  const std::string name = original->segments().front();
  const Content& content = original->content(name);
  std::size_t altered = 0;
  for (std::size_t offset = 64; offset < content.size(); ++offset) {
    Content damaged = content;
    damaged[offset] ^= 0xff;
    for (const Range& record : ranges(damaged)) {
      const std::string payload(damaged.begin() + static_cast<std::ptrdiff_t>(record.begin + 32),
                                damaged.begin() + static_cast<std::ptrdiff_t>(record.end));
      if (payload != payload_of(record.number)) ++altered;
    }
  }
  CHECK(altered > content.size() / 4);
}

TEST(StoreDamage, EveryByteOfThePositionAltered) {
  StoreRig before;
  before.medium = original->copy();
  before.open();
  before.log->acknowledge(2);
  before.log->acknowledge(3);
  before.log->acknowledge(4);
  before.kill();
  LONGS_EQUAL(4096 + 32, before.medium->content("position").size());
  std::uint64_t repeated = 0;
  for (std::size_t offset = 0; offset < before.medium->content("position").size(); ++offset) {
    if (offset >= 32 && offset < 4096 && offset % 64 != 0) continue;  // nothing is there
    for (const bool cut : {false, true}) {
      StoreRig rig;
      rig.medium = before.medium->copy();
      Content& file = rig.medium->content("position");
      if (cut) {
        file.resize(offset);
      } else {
        file[offset] ^= 0x55;
      }
      rig.open();
      const auto records = read_all(rig.log.get());
      // Some of what was acknowledged may come again; the rest comes in any case.
      CHECK(records.front().number <= 5);
      repeated += 5 - records.front().number;
      LONGS_EQUAL(kRecords, records.back().number);
      LONGS_EQUAL(kRecords - records.front().number + 1, records.size());
      rig.log->acknowledge(9);
      rig.kill();
      rig.open();
      LONGS_EQUAL(10, read_all(rig.log.get()).front().number);
    }
  }
  CHECK(repeated > 0);
}

TEST(StoreDamage, BothSlotsOfThePositionOrNoneAtAll) {
  for (const int way : {0, 1, 2}) {
    StoreRig rig;
    rig.medium = original->copy();
    rig.open();
    rig.log->acknowledge(2);
    rig.log->acknowledge(3);
    rig.kill();
    Content& file = rig.medium->content("position");
    if (way == 0) file[10] = file[4096 + 10] = 0x77;
    if (way == 1) file.clear();
    if (way == 2) rig.medium->names().erase("position");
    rig.open();
    LONGS_EQUAL(kRecords, read_all(rig.log.get()).size());
    CHECK(rig.log->take_news().empty() == (way != 0));
  }
}

// What is left of a message that is itself a piece of a log must not be taken for the log's own.
TEST(StoreDamage, APayloadThatLooksLikeRecordsIsNone) {
  const Content& piece = original->content(original->segments().front());
  for (const bool own : {false, true}) {
    StoreRig rig;
    rig.options.segment_bytes = 4096;
    rig.open();
    rig.fill(1, 1);
    const std::string name = rig.medium->segments().front();
    std::string payload(piece.begin() + 64, piece.end());
    // The control: forged with the mark that only this segment knows, and its checksums.
    if (own) {
      payload.assign(store::record_bytes(7), '\0');
      store::encode_record(store::parse_segment_name(name)->mark, 2, 0, store::bytes_of("forgery"),
                           reinterpret_cast<std::uint8_t*>(payload.data()));
    }
    rig.append(payload);
    rig.append("behind");
    rig.kill();
    const Range outer = ranges(rig.medium->content(name)).at(1);
    rig.medium->content(name)[outer.begin + 12] ^= 1;  // its header
    rig.open();
    const auto records = read_all(rig.log.get());
    CHECK((records.back() == Got{3, "behind"}));
    LONGS_EQUAL(own ? 3 : 2, records.size());
    LONGS_EQUAL(own ? 0 : 1, rig.counters().damaged);
  }
}
