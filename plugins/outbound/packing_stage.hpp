// A courier's side of packing (plugins/packing): what it sends is packed where those who read are
// known to understand it; what comes in is unpacked. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "plugins/bus/adapter.hpp"
#include "plugins/packing/dictionaries.hpp"
#include "plugins/packing/packed.hpp"
#include "plugins/packing/partners.hpp"

namespace rise::outbound {

struct PackingSpec {
  bool on = false;  // packs, and announces itself; unpacking it does in any case
  std::size_t min_bytes =
      1024;       // payloads of one topic in one batch, from which on they are packed
  int level = 3;  // zstd's, 1 to 19; with a dictionary always 3
  std::vector<std::string> reads;  // patterns that this end has subscribed to
};

struct PackingCounts {
  std::uint64_t messages = 0;  // sent within others
  std::uint64_t bytes_in = 0;  // of envelopes, before
  std::uint64_t bytes_out = 0;
  std::uint64_t unpacked = 0;    // messages received within others
  std::uint32_t dictionary = 0;  // trained here; 0: none yet
};

class PackingStage {
 public:
  explicit PackingStage(PackingSpec spec);

  // What is sent for a batch, and for each of it which messages of the batch are in it.
  struct Parcels {
    std::vector<bus::MessagePtr> messages;
    std::vector<std::vector<std::size_t>> contents;
  };
  Parcels wrap(const std::vector<bus::MessagePtr>& batch, std::int64_t now_ms);
  // The outcome of each message of the batch, from those of what was sent.
  static std::vector<bus::SendOutcome> expand(const Parcels& parcels, std::size_t batch,
                                              std::span<const bus::SendOutcome> outcomes);
  // What is to be said to the others now.
  std::vector<bus::MessagePtr> announcements(std::int64_t now_ms);
  // True: it was said by another such stage, to us and not to the bus.
  bool heard(const bus::Message& message, std::int64_t now_ms);
  packing::Unpacked unwrap(const bus::Message& packed);
  [[nodiscard]] PackingCounts counts() const;
  [[nodiscard]] bool on() const { return spec_.on; }

 private:
  void learn(const bus::Message& message);

  const PackingSpec spec_;
  const std::string name_;
  mutable std::mutex mutex_;  // what follows
  packing::Packer packer_;
  packing::Partners partners_;
  packing::Trainer trainer_;
  std::shared_ptr<const packing::Dictionary> own_;
  std::int64_t announced_ms_ = 0;
  std::uint64_t packed_ = 0;
  std::uint64_t unpacked_ = 0;
  packing::Dictionaries others_;  // with a lock of its own
};

}  // namespace rise::outbound
