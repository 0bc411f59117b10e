// One read: a request block, how long its answer may be, how it is decoded, and into which signals.
#pragma once

#include <cstdint>
#include <optional>

#include "drivers/focas/control_info.hpp"
#include "drivers/focas/wire/frame.hpp"
#include "drivers/focas/wire/number.hpp"
#include "drivers/sdk/rise_driver.h"

namespace rise::focas {

enum class Decoding : std::uint8_t {
  Words,          // i16 each
  Integers,       // i32 each
  Numbers,        // 8-byte numbers
  Magnitudes,     // 8-byte numbers, absolute value
  Doubles,        // IEEE big-endian
  Record,         // parameter or diagnosis: header, then one element per axis
  PmcValues,      // bytes, words, longs, floats of the PMC; `aux` = PMC type
  PmcBit,         // `aux` = bit
  FeedOverride,   // PMC byte, each bit inverted
  RapidOverride,  // PMC byte, two bits: 100, 50, 25, 0 %
  Timer,          // minutes and milliseconds -> seconds
  GCode,          // of one modal group
  ModalValue,     // i32 and flags; `aux` = 1: with digits behind the point
  Text,           // characters up to the first zero, from offset `aux`
  AlarmBits,      // bit field; not zero: the messages are fetched
  AlarmMessages,
  AxisNames,  // set-up check
  AxisUnits,  // set-up check
};

// Which of the control's tables of units holds for lengths of a read (command 0x88).
enum class UnitTable : std::uint8_t { None = 0, Displayed = 1, Machine = 2 };

// The byte order of timer replies, which some controls send little-endian; found out as we go.
enum class TimerOrder : std::uint8_t { Unknown, Big, Little };

struct Read {
  wire::RequestBlock block;
  Decoding decoding = Decoding::Integers;
  std::uint8_t group = 0;
  std::uint8_t aux = 0;
  bool available = true;      // false: not asked, its signals stay invalid
  bool refused = false;       // the control said so; it is asked again now and then
  bool told = false;          // people know that it was refused
  bool pending = false;       // to be asked in the current sweep
  bool per_axis = false;      // elements beyond the path's controlled axes are stale memory
  bool per_servo = false;     // beyond its servo axes, which may be fewer
  bool per_spindle = false;   // beyond its spindles
  std::uint8_t refusals = 0;  // whole frames with nothing but this read
  std::uint8_t axis = 0;      // axis of the first signal, from 1; 0: belongs to no axis
  UnitTable unit = UnitTable::None;
  std::uint16_t reply_bytes = 0;  // data bytes, at most
  std::int32_t signal = -1;       // first of `count` signals
  std::uint16_t count = 0;
};

// Data of one block into the read's signals. Values that are missing, marked as absent or
// implausible become invalid, never wrong.
// hidden: bit i = the read's i-th signal gets no value. timers: what is known of their byte order,
// and what is learned; null: nothing is.
void decode_values(const rise_host& host, const Read& read, wire::Bytes data,
                   const ControlInfo& info, std::uint32_t hidden = 0, TimerOrder* timers = nullptr);

// One element of a parameter or diagnosis record of a new control, by the record's type. None: no
// value, or no such type.
std::optional<double> record_value(const wire::Number& number, std::int16_t type, bool parameter);

// All signals of the read lose their value.
void invalidate(const rise_host& host, const Read& read);

}  // namespace rise::focas
