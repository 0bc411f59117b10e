// Writes an MCAP file: zstd chunks with check sums and indexes, and a summary at the end.
//
// Each chunk holds the schemas and channels of its messages, too. So any chunk can be read by
// itself, and a damaged one costs nothing but its own messages. Schemas and channels are small
// beside a second of telemetry, and compress well.
//
// One thread. Bytes go out through a function, whole chunks at a time: what it refuses has not
// happened, as far as the file is concerned.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/recorder/mcap_format.hpp"

struct ZSTD_CCtx_s;

namespace rise::recorder {

struct McapWriterOptions {
  std::string profile;
  std::string library = "rise";
  int level = 3;  // of zstd, 1 to 19
};

class McapWriter {
 public:
  // Appends the bytes to the file. False: nothing of them is in it.
  using Output = std::function<bool(std::string_view)>;

  McapWriter(McapWriterOptions options, Output output);
  ~McapWriter();
  McapWriter(const McapWriter&) = delete;
  McapWriter& operator=(const McapWriter&) = delete;

  // The file's head. False: refused.
  bool begin();
  // Each id once, the schema before its channels.
  void add(const Schema& schema);
  void add(const Channel& channel);
  // Adds a message of a known channel to the chunk under way.
  void message(std::uint16_t channel, std::uint32_t sequence, std::uint64_t log_time,
               std::uint64_t publish_time, Bytes data);
  // Writes the chunk under way, if it has any message. False: refused, its messages are lost.
  bool end_chunk();
  // The chunk under way and the summary. False: refused; the file is as after a power failure.
  bool finish();

  [[nodiscard]] std::size_t chunk_bytes() const { return chunk_.size(); }  // uncompressed
  [[nodiscard]] std::uint64_t chunk_messages() const { return chunk_messages_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return offset_; }
  // Uncompressed, of the chunks written.
  [[nodiscard]] std::uint64_t raw_bytes() const { return raw_bytes_; }
  [[nodiscard]] const Statistics& statistics() const { return statistics_; }

 private:
  struct Line {  // a channel
    std::string record;
    std::uint16_t schema = 0;
    std::uint64_t chunk = 0;  // the last one that holds the record, from 1
    std::string index;        // of the chunk under way: pairs of time and offset
    std::uint64_t messages = 0;
  };
  struct Plan {  // a schema
    std::string record;
    std::uint64_t chunk = 0;
  };
  void introduce(Line* line);
  bool put(const std::string& bytes);
  void clear_chunk();
  [[nodiscard]] std::string summary() const;

  McapWriterOptions options_;
  Output output_;
  std::unique_ptr<ZSTD_CCtx_s, std::size_t (*)(ZSTD_CCtx_s*)> compressor_;
  std::map<std::uint16_t, Plan> schemas_;
  std::vector<std::unique_ptr<Line>> lines_;  // by channel id
  std::vector<std::uint16_t> in_chunk_;       // channels that have messages in it
  std::string chunk_;
  std::string packed_;
  std::string record_;
  ChunkHead head_;
  std::uint64_t chunk_number_ = 1;
  std::uint64_t chunk_messages_ = 0;
  std::vector<ChunkIndex> indexes_;
  Statistics statistics_;
  std::uint64_t offset_ = 0;
  std::uint64_t raw_bytes_ = 0;
  std::uint32_t data_crc_ = 0;
};

}  // namespace rise::recorder
