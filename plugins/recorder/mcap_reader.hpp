// Reads the messages of an MCAP file in the order in which they were written, from its first byte
// on, whatever has become of the rest: the summary may be missing, the file may be cut off, bytes
// may be wrong. Each damage costs the chunk that it hit. A chunk is handed out only if its check
// sum is right and all of its records make sense; so no message is ever altered, if its writer has
// made check sums (ours does).
//
// The bytes may be anybody's: nothing is believed, and no more memory is taken than the limits say.
// One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plugins/recorder/mcap_format.hpp"

struct ZSTD_DCtx_s;

namespace rise::recorder {

struct McapMessage {
  const Channel* channel = nullptr;  // as long as the reader lives
  const Schema* schema = nullptr;    // likewise; null: the channel has none
  std::uint32_t sequence = 0;
  std::uint64_t log_time = 0;
  std::uint64_t publish_time = 0;
  Bytes data;  // until the next call; not aligned
};

struct ReaderLimits {
  std::size_t chunk_bytes = 64u << 20u;  // uncompressed; larger chunks count as damaged
  std::size_t faults = 100;              // that are kept as text; all are counted
};

struct Fault {
  std::uint64_t offset = 0;  // in the file
  std::string text;
};

struct ReaderTotals {
  std::uint64_t messages = 0;
  std::uint64_t chunks = 0;  // that were good
  std::uint64_t raw_bytes = 0;
  std::uint64_t packed_bytes = 0;
  std::uint64_t faults = 0;
};

class McapReader {
 public:
  // The bytes outlive the reader.
  explicit McapReader(Bytes file, ReaderLimits limits = {});
  ~McapReader();
  McapReader(const McapReader&) = delete;
  McapReader& operator=(const McapReader&) = delete;

  // False: there are no more.
  bool next(McapMessage* message);

  // Once next() has said false: nothing is missing or wrong, and the summary that others find
  // messages by is there.
  [[nodiscard]] bool whole() const { return finished_ && totals_.faults == 0; }
  // Likewise: the data section has an end. If not, the file was cut off, or is still being written.
  [[nodiscard]] bool has_end() const { return has_end_; }
  [[nodiscard]] const std::vector<Fault>& faults() const { return faults_; }
  [[nodiscard]] const ReaderTotals& totals() const { return totals_; }
  [[nodiscard]] const std::string& library() const { return library_; }
  // Those met so far.
  [[nodiscard]] const std::map<std::uint16_t, Channel>& channels() const { return channels_; }
  [[nodiscard]] const std::map<std::uint16_t, Schema>& schemas() const { return schemas_; }

 private:
  void step();
  void take_chunk(std::size_t at, std::size_t end, Bytes content);
  bool unpack(std::size_t at, const ChunkHead& head, Bytes packed);
  bool adopt(std::size_t at);
  bool learn(const Record& record);
  bool deliver(Bytes content, McapMessage* message);
  void take_end(std::size_t at);
  void check_tail(std::size_t at);
  void fault(std::size_t offset, std::string text);
  void resync(std::size_t from);
  [[nodiscard]] bool chunk_at(std::size_t at) const;

  Bytes file_;
  ReaderLimits limits_;
  std::size_t at_ = 0;
  bool finished_ = false;
  bool has_end_ = false;
  std::string library_;
  std::map<std::uint16_t, Schema> schemas_;
  std::map<std::uint16_t, Channel> channels_;
  std::unique_ptr<ZSTD_DCtx_s, std::size_t (*)(ZSTD_DCtx_s*)> decompressor_;
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t buffer_bytes_ = 0;
  Bytes chunk_;    // what is left of the records of a chunk
  Bytes message_;  // content of a message outside of any chunk, to be handed out
  std::vector<Fault> faults_;
  ReaderTotals totals_;
};

// It begins as an MCAP file does.
bool is_mcap(Bytes file);

}  // namespace rise::recorder
