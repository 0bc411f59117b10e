// The alarms of a control: bits from every sweep, messages when the bits change or stay on for a
// while.
#pragma once

#include <cstdint>

#include "drivers/focas/control_info.hpp"
#include "drivers/sdk/rise_driver.h"

namespace rise::focas {

class Alarms {
 public:
  // A new session: what is active must be asked for again. The alarms that were told stay until
  // the control says otherwise, so that those which went meanwhile are told off.
  void ask_anew();

  // The alarm bits of a path. -> true: its messages are to be asked for.
  bool take_bits(const rise_host& host, std::uint16_t path, wire::Bytes data, std::int64_t now_ns);
  // The messages of a path: records of 16 bytes and a text of text_bytes. False: not whole records,
  // or no such types and lengths: records of another size.
  bool take_messages(const rise_host& host, std::uint16_t path, std::size_t text_bytes,
                     wire::Bytes data);
  // The control refused them, for now. -> true: again and again.
  bool messages_refused(std::uint16_t path);
  // The control gives no messages: one alarm without number and text for each type that is on.
  void no_messages(const rise_host& host, std::uint16_t path);

 private:
  static constexpr std::size_t kPerPath = 10;
  static constexpr std::size_t kText = 64;
  struct One {
    std::int32_t number = 0;
    std::int32_t type = 0;
    std::int32_t axis = 0;
    std::uint32_t length = 0;
    char text[kText] = {};
  };
  struct Path {
    std::uint32_t bits = 0;
    std::int64_t asked_ns = 0;
    std::uint32_t count = 0;
    std::uint32_t refusals = 0;  // in a row
    One list[kPerPath];
  };
  void tell(const rise_host& host) const;
  Path paths_[kMaxPaths];
};

}  // namespace rise::focas
