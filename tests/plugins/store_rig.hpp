// A log on a disk in memory, with payloads that tell who they are.
#pragma once

#include <CppUTest/TestHarness.h>

#include <memory>
#include <string>
#include <vector>

#include "plugins/store/cursor.hpp"
#include "plugins/store/format.hpp"
#include "plugins/store/log.hpp"
#include "tests/plugins/store_medium.hpp"

namespace rise::test {

// The name of the i-th payload, and some bytes more: 0 to 60 of them.
inline std::string payload_of(std::uint64_t i) {
  std::string text = "payload " + std::to_string(i) + ": ";
  for (std::uint64_t n = (i * 37) % 61; n != 0; --n) text += static_cast<char>('a' + (i + n) % 26);
  return text;
}

inline std::string text_of(store::Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Got {
  std::uint64_t number = 0;
  std::string payload;
  bool operator==(const Got&) const = default;
};

// To the end, or `most` of them.
inline std::vector<Got> read(store::Cursor* cursor, std::size_t most = SIZE_MAX) {
  std::vector<Got> out;
  while (out.size() < most) {
    const auto record = cursor->next();
    if (!record) break;
    out.push_back({record->number, text_of(record->payload)});
  }
  return out;
}

inline std::vector<Got> read_all(store::Log* log) {
  auto cursor = log->cursor();
  return read(&cursor);
}

struct StoreRig {
  StoreRig() {
    options.segment_bytes = 512;
    options.max_bytes = 1 << 20;
    options.sync = store::Sync::Never;
    // A second for each look at the clock.
    options.clock = [this] { return ++seconds * 1'000'000'000; };
  }
  store::Log& open() {
    log.reset();
    log = store::Log::open(options, std::make_unique<MemoryDisk>(medium));
    return *log;
  }
  // As if the process had been killed: the log's last words reach nothing.
  void kill() {
    const auto left = medium->copy();
    log.reset();
    medium = left;
  }
  store::Appended append(const std::string& payload) {
    return log->append(store::bytes_of(payload));
  }
  // payload_of(from) ... payload_of(to), one by one; all are stored.
  void fill(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t i = from; i <= to; ++i) {
      CHECK(append(payload_of(i)).outcome == store::Outcome::Stored);
    }
  }
  [[nodiscard]] store::Counters counters() const { return log->status().counters; }

  std::shared_ptr<Medium> medium = std::make_shared<Medium>();
  store::LogOptions options;
  std::int64_t seconds = 0;
  std::unique_ptr<store::Log> log;
};

}  // namespace rise::test
