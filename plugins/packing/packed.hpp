// Many messages of one topic as one message: its payload is one zstd frame of their envelopes, each
// with its length (4 bytes, little-endian) before it; its schema is kPackedSchema.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/bus/message.hpp"
#include "plugins/packing/dictionaries.hpp"

namespace rise::packing {

inline constexpr char kPackedSchema[] = "rise.bus.Packed";
inline constexpr std::size_t kMaxPacked = 10'000;             // messages in one
inline constexpr std::size_t kMaxUnpackedBytes = 32u << 20u;  // of all of them
inline constexpr char kDictionaryHeader[] = "dictionary";     // its number, if there is one

// May it be packed at all? Not what is critical, what has a fault, or what is packed already.
bool may_be_packed(const bus::Message& message);

// messages: of one topic and guarantee, all of which may be packed; at least one. dictionary: null
// for none. level: zstd's, 1 to 19. One thread at a time.
class Packer {
 public:
  Packer();
  ~Packer();
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;
  // Null: it would not have become smaller.
  bus::MessagePtr pack(std::span<const bus::MessagePtr> messages, const Dictionary* dictionary,
                       int level);
  [[nodiscard]] std::uint64_t bytes_in() const { return bytes_in_; }
  [[nodiscard]] std::uint64_t bytes_out() const { return bytes_out_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
};

struct Unpacked {
  std::vector<bus::MessagePtr> messages;
  std::string fault;             // not empty: there are none
  std::uint32_t dictionary = 0;  // the one that is missing, if that is the fault
};
// Any bytes. Any thread.
Unpacked unpack(const bus::Message& packed, const Dictionaries& dictionaries);
inline bool is_packed(const bus::Message& message) { return message.schema == kPackedSchema; }

}  // namespace rise::packing
