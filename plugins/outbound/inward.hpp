// The inward half of a courier: what an adapter delivers, onto the bus. Unpacked, converted where
// it is another program's, each once and in order where that is asked for; told when it is handled.
// Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "plugins/bus/adapter.hpp"
#include "plugins/bus/bus.hpp"
#include "plugins/bus/deduplicator.hpp"
#include "plugins/foreign/conversion.hpp"
#include "plugins/outbound/packing_stage.hpp"
#include "plugins/outbound/sequencer.hpp"

namespace rise::outbound {

struct InwardOptions {
  SequencerSpec order;
  std::size_t remembered_ids = 100'000;
  std::size_t room = 10'000;             // messages received, and not yet handled
  std::size_t room_bytes = 256u << 20u;  // of their payloads
  // For the text of other programs; null: it is malformed.
  std::shared_ptr<const foreign::Conversion> conversion;
};

struct InwardCounts {
  std::uint64_t received = 0;
  std::uint64_t duplicates = 0;  // and dropped
  std::uint64_t malformed = 0;
  std::uint64_t missing = 0;  // of Ordered, given up
};

class Inward {
 public:
  // The header of what has come in, with the courier's name.
  static constexpr char kBroughtBy[] = "brought-by";

  // All outlive it.
  Inward(std::string courier, const InwardOptions& options, PackingStage* packing, bus::Bus* bus);

  // False: not now; the adapter is to offer it again when there is room.
  bool take(const bus::Delivery& delivery);
  void malformed();
  // What waits behind a gap for long enough.
  void tick(std::int64_t now_ms);
  struct Handled {
    std::vector<std::uint64_t> tags;  // of deliveries all of which is handled, since the last call
    bool room = false;                // for quite some more
  };
  Handled handled();
  [[nodiscard]] InwardCounts counts() const;

 private:
  // What is told by whoever lets go of a message last: it may outlive us.
  struct Books {
    std::mutex mutex;
    std::vector<std::uint64_t> handled;
    std::size_t under_way = 0;
    std::size_t bytes = 0;
  };
  struct Tag;
  struct Held;
  using HeldPtr = std::shared_ptr<Held>;
  [[nodiscard]] HeldPtr received(const bus::Message& message,
                                 const std::shared_ptr<Tag>& tag) const;
  bool open(const bus::Delivery& delivery, std::vector<HeldPtr>* messages);
  bool waits_for(std::uint32_t dictionary);
  void bury(const bus::MessagePtr& message, const std::string& why);
  void sort(const HeldPtr& held, std::vector<bus::MessagePtr>* out);
  void publish(const std::vector<bus::MessagePtr>& messages);

  const std::string courier_;
  const InwardOptions options_;
  PackingStage* packing_;
  bus::Bus* bus_;
  std::shared_ptr<Books> books_ = std::make_shared<Books>();

  // Held until what was sorted is on the bus: else its order were lost. Recursive: handlers may run
  // at once.
  std::recursive_mutex publishing_;
  std::map<std::uint32_t, std::int64_t> lacks_;  // dictionaries, and since when
  // What must come once, is under way, and may come again meanwhile.
  std::unordered_map<bus::Uuid, std::weak_ptr<Held>, bus::UuidHash> alive_;
  bus::Deduplicator seen_;
  Sequencer order_;
  mutable std::mutex counting_;
  InwardCounts counts_;
};

}  // namespace rise::outbound
