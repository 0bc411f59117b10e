// Which Ethernet address an IPv4 address of the local network has: a small table of fixed size that
// ages (RFC 826, RFC 1122 2.3.2). Lane thread, after the static entries were made at set-up. No
// memory, no clock: the time comes in.
//
//      find() unknown -> Asked --learn()--> Known --45 s--> asked again while in use
//                          |                  +---60 s without a new answer---> Asked
//                          +-- 1 s without use --> no longer asked, first to be replaced
#pragma once

#include <array>
#include <cstdint>

#include "rt_core/io/packet.hpp"

namespace rise::io {

class Neighbours {
 public:
  static constexpr std::size_t kCapacity = 64;
  static constexpr std::int64_t kRefreshNs = 45'000'000'000;
  static constexpr std::int64_t kExpiryNs = 60'000'000'000;
  static constexpr std::int64_t kInUseNs = 1'000'000'000;  // since the last find()
  static constexpr std::int64_t kAskNs = 100'000'000;      // between two requests for one address
  static constexpr std::int64_t kAskSlowlyNs = 1'000'000'000;  // after kQuickAsks without an answer
  static constexpr std::uint32_t kQuickAsks = 5;

  // Set-up. Stays for ever, whatever ARP says. False: the table is full of such.
  bool add_static(std::uint32_t address, const packet::Mac& mac);

  // The address to send to, or null: not known yet; it will be asked for, and counts as in use.
  const packet::Mac* find(std::uint32_t address, std::int64_t now_ns);
  // The same for answers to strangers, who must not be able to fill the table: nothing is asked,
  // nothing counts as in use.
  const packet::Mac* peek(std::uint32_t address, std::int64_t now_ns);
  // An ARP packet has named its sender. `create`: it was meant for us, so it may be new to us;
  // others only refresh what is there.
  void learn(std::uint32_t address, const packet::Mac& mac, std::int64_t now_ns, bool create);
  // -> true: `*address` is to be asked for now. Call until false; never more than kCapacity times.
  bool next_question(std::int64_t now_ns, std::uint32_t* address);

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  enum class State : std::uint8_t { Asked, Known, Static };
  struct Entry {
    std::uint32_t address = 0;
    packet::Mac mac;
    State state = State::Asked;
    std::uint32_t asks = 0;  // without an answer
    std::int64_t confirmed_ns = 0;
    std::int64_t used_ns = kNever;
    std::int64_t asked_ns = kNever;
  };
  static constexpr std::int64_t kNever = INT64_MIN / 2;

  Entry* lookup(std::uint32_t address);
  Entry* make(std::uint32_t address, std::int64_t now_ns);

  std::array<Entry, kCapacity> entries_;
  std::size_t size_ = 0;
  std::size_t last_ = 0;              // where the last lookup ended: mostly the next one does, too
  std::int64_t look_ns_ = INT64_MAX;  // when next_question() has to look again
};

}  // namespace rise::io
