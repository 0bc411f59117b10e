// One fault that a control is told to have: what, how often, when.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rise::cncsim {

enum class FaultKind : std::uint8_t {
  Delay,         // the reply comes later: delay_us + 0..jitter_us
  Stall,         // no reply; the connection stays up
  Reset,         // RST instead of a reply
  RefuseListen,  // nobody listens: connection refused
  RefuseOpen,    // the open is answered with 0x0103
  HalfOpen,      // connections are accepted, the open is never answered
  Torn,          // the reply comes in pieces of `amount` bytes with gap_us between them
  Garbage,       // random bytes of the reply's length instead of the reply
  HeaderLength,  // the header's length field is wrong by `amount`
  BlockLength,   // the first block's length field is wrong by `amount`
  ErrorBlock,    // blocks of `command` are answered with `status`
  Truncate,      // the first half of the reply, then the connection is closed
  Repeat,        // the reply is sent twice
  Alarm,         // an alarm is on while the fault is active
  Emergency,     // emergency stop is pressed while the fault is active
};

inline constexpr char kFaultKindChoices[] =
    "delay|stall|reset|refuse_listen|refuse_open|half_open|torn|garbage|header_length|"
    "block_length|error|truncate|repeat|alarm|emergency";

// False: no such name.
bool find_fault_kind(std::string_view name, FaultKind* kind);
const char* fault_kind_name(FaultKind kind);

// Which requests a fault may hit.
enum class FaultScope : std::uint8_t { Data, Open, Transfer, All };
inline constexpr char kFaultScopeChoices[] = "data|open|transfer|all";
bool find_fault_scope(std::string_view name, FaultScope* scope);
const char* fault_scope_name(FaultScope scope);

struct FaultSpec {
  FaultKind kind = FaultKind::Delay;
  FaultScope scope = FaultScope::Data;
  double probability = 1;  // that a request in scope is hit
  std::int64_t count = 0;  // hits, then the fault is over; 0: no limit
  double after_s = 0;      // from power on, or from the command that set the fault
  double for_s = 0;        // 0: for ever
  double every_s = 0;      // again and again with this period; 0: once
  std::int64_t delay_us = 0;
  std::int64_t jitter_us = 0;
  std::int64_t gap_us = 1000;
  std::int64_t amount = 1;  // bytes, see the kinds
  int status = 1;           // ErrorBlock
  int command = -1;         // ErrorBlock; -1: every command
  int alarm_number = 0;     // Alarm
  std::string alarm_type = "PS";
  int alarm_axis = 0;
  std::string alarm_text;

  friend bool operator==(const FaultSpec&, const FaultSpec&) = default;
};

}  // namespace rise::cncsim
