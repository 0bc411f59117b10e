// Messages with guarantee Ordered, put back into their order: by source and topic, each the
// successor of the one before. A gap is waited for, but not for ever. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "plugins/bus/message.hpp"

namespace rise::outbound {

struct SequencerSpec {
  std::int64_t patience_ms = 5'000;  // how long a gap is waited for
  std::size_t held = 10'000;  // messages behind gaps, all together; more: the gaps are given up
  std::size_t streams =
      10'000;  // sources and topics known; more: all are forgotten, and begin anew
};

class Sequencer {
 public:
  explicit Sequencer(const SequencerSpec& spec) : spec_(spec) {}

  // Appends to *out what may go now: nothing, it, or it and what had waited for it. A source that
  // begins anew is known by a later time with a lower number. -> false: it comes too late, or has
  // been here before.
  [[nodiscard]] bool put(const bus::MessagePtr& message, std::int64_t now_ms,
                         std::vector<bus::MessagePtr>* out);
  // What has waited long enough, without what is missing.
  void tick(std::int64_t now_ms, std::vector<bus::MessagePtr>* out);
  [[nodiscard]] std::uint64_t missing() const { return missing_; }  // given up
  [[nodiscard]] std::size_t held() const { return held_; }

 private:
  struct Stream {
    std::uint64_t next = 0;    // 0: none seen yet
    std::int64_t time_ns = 0;  // of the latest that went
    std::int64_t since_ms = 0;
    std::map<std::uint64_t, bus::MessagePtr> waiting;
  };
  void let_go(Stream* stream, std::vector<bus::MessagePtr>* out);
  void release(Stream* stream, std::vector<bus::MessagePtr>* out);
  void forget(std::vector<bus::MessagePtr>* out);
  void give_up(Stream* stream, std::int64_t now_ms, std::vector<bus::MessagePtr>* out);

  SequencerSpec spec_;
  std::unordered_map<std::string, Stream> streams_;
  std::size_t held_ = 0;
  std::uint64_t missing_ = 0;
};

}  // namespace rise::outbound
