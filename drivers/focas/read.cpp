#include "drivers/focas/read.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "drivers/focas/text.hpp"
#include "drivers/focas/wire/bytes.hpp"
#include "drivers/focas/wire/number.hpp"

namespace rise::focas {

namespace {

using wire::Bytes;

// Writes the read's signals one after the other; those for which there is no value become invalid.
class Sink {
 public:
  Sink(const rise_host& host, const Read& read, const ControlInfo& info, std::uint32_t hidden)
      : host_(host), read_(read), real_(read.count), hidden_(hidden) {
    const std::uint16_t path = read.block.path;
    if (path < 1 || path > kMaxPaths) return;
    if (read.per_axis) real_ = std::min<std::int32_t>(real_, info.axes[path - 1]);
    if (read.per_servo) real_ = std::min<std::int32_t>(real_, info.servo_axes[path - 1]);
    if (read.per_spindle) real_ = std::min<std::int32_t>(real_, info.spindles[path - 1]);
  }
  ~Sink() {
    for (; next_ < read_.count; ++next_) {
      host_.signal_invalidate(host_.context, read_.signal + next_);
    }
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  [[nodiscard]] bool full() const { return next_ >= real_; }
  void value(std::optional<double> value) {
    if (full()) return;
    const bool hidden = next_ < 32 && (hidden_ >> next_ & 1) != 0;
    const std::int32_t signal = read_.signal + next_++;
    if (value && !hidden) {
      host_.signal_write(host_.context, signal, *value);
    } else {
      host_.signal_invalidate(host_.context, signal);
    }
  }

 private:
  const rise_host& host_;
  const Read& read_;
  std::int32_t real_;
  std::uint32_t hidden_;
  std::int32_t next_ = 0;
};

double load_double(const std::uint8_t* p) {
  const std::uint64_t bits = std::uint64_t{wire::load_u32(p)} << 32 | wire::load_u32(p + 4);
  return std::bit_cast<double>(bits);
}

bool plausible_timer(std::int32_t minutes, std::int32_t milliseconds) {
  constexpr std::int32_t kMostMinutes = 99'999'999;  // what the control's own page can show
  return minutes >= 0 && minutes <= kMostMinutes && milliseconds >= 0 && milliseconds <= 59999;
}

void decode_record(const Read& read, Bytes data, const ControlInfo& info, Sink* sink) {
  constexpr std::size_t kHeader = 8;
  if (data.size() < kHeader) return;
  // The record names what it is; an answer to another question is no value. What belongs to no
  // axis answers so to the question for one axis, too; its one value is the first element.
  const std::int32_t asked_axis = read.block.argument[2];
  const std::int32_t axis = wire::load_i16(data.data() + 4);
  if (wire::load_i32(data.data()) != read.block.argument[0]) return;
  if (axis != asked_axis && !(asked_axis > 0 && axis == 0)) return;
  const std::int16_t type = wire::load_i16(data.data() + 6);
  const std::size_t element = info.is_new() ? wire::kNumberBytes : 4;
  for (std::size_t at = kHeader; at + element <= data.size() && !sink->full(); at += element) {
    if (info.is_new()) {
      sink->value(record_value(
          wire::load_number(data.data() + at), type,
          read.block.command == static_cast<std::uint16_t>(wire::Command::ReadParameter)));
    } else {
      sink->value(wire::load_i32(data.data() + at));
    }
  }
}

void decode_pmc(const Read& read, Bytes data, Sink* sink) {
  const std::size_t element = read.aux == 0 ? 1 : read.aux == 1 ? 2 : read.aux == 5 ? 8 : 4;
  for (std::size_t at = 0; at + element <= data.size() && !sink->full(); at += element) {
    const std::uint8_t* p = data.data() + at;
    switch (read.aux) {
      case 0: sink->value(*p); break;
      case 1: sink->value(wire::load_i16(p)); break;
      case 2: sink->value(wire::load_i32(p)); break;
      case 4: sink->value(std::bit_cast<float>(wire::load_u32(p))); break;
      default: sink->value(load_double(p)); break;
    }
  }
}

std::int32_t swapped(std::int32_t value) {
  return static_cast<std::int32_t>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
}

// Some controls send this one reply little-endian. The milliseconds tell, unless they are 0 as
// those of the power-on timer always are (0..59999 in one order is never so in the other): then
// what another timer of this connection has told holds. Without that, an absurd number of minutes
// is what is left to go by, and it is right for all but a few numbers of minutes.
void decode_timer(Bytes data, TimerOrder* known, Sink* sink) {
  if (data.size() < 8) return;
  std::int32_t minutes = wire::load_i32(data.data());
  std::int32_t milliseconds = wire::load_i32(data.data() + 4);
  TimerOrder order = *known;
  if (milliseconds != 0) {
    order = plausible_timer(0, milliseconds) ? TimerOrder::Big : TimerOrder::Little;
    if (plausible_timer(0, milliseconds) || plausible_timer(0, swapped(milliseconds)))
      *known = order;
  } else if (order == TimerOrder::Unknown && !plausible_timer(minutes, 0)) {
    order = TimerOrder::Little;
  }
  if (order == TimerOrder::Little) {
    minutes = swapped(minutes);
    milliseconds = swapped(milliseconds);
  }
  if (!plausible_timer(minutes, milliseconds)) return;
  sink->value(minutes * 60.0 + milliseconds / 1000.0);
}

// The last commanded value of a letter: i32 magnitude, u16 flags, u16 flags. Only F has a point:
// bits 2-0 of the second word are the digits behind it. Bit 5 of the first: negative.
void decode_modal(const Read& read, Bytes data, Sink* sink) {
  if (data.size() < 4) return;
  const double value = wire::load_i32(data.data());
  if (read.aux == 0) {
    sink->value(value);
    return;
  }
  if (data.size() < 8) return;
  const bool negative = (wire::load_u16(data.data() + 4) >> 5 & 1) != 0;
  const int digits = wire::load_u16(data.data() + 6) & 7;
  sink->value((negative ? -std::fabs(value) : value) / std::pow(10, digits));
}

void decode_gcode(Bytes data, Sink* sink) {
  if (data.size() < 12) return;
  const std::int32_t code = wire::load_i32(data.data() + 4);
  const std::int32_t decimals = wire::load_i32(data.data() + 8);
  sink->value(wire::value_of(
      {code, 10, static_cast<std::int16_t>(decimals >= 0 && decimals <= 9 ? decimals : -1)}));
}

void decode_text(const rise_host& host, const Read& read, Bytes data) {
  if (data.size() < read.aux) {
    host.signal_invalidate(host.context, read.signal);
    return;
  }
  const auto* text = reinterpret_cast<const char*>(data.data() + read.aux);
  std::size_t length = strnlen(text, data.size() - read.aux);
  // Of executing text only the block that runs is shown: its first line.
  if (const void* end = std::memchr(text, '\n', length); end != nullptr) {
    length = static_cast<std::size_t>(static_cast<const char*>(end) - text);
  }
  length = std::min<std::size_t>(length, RISE_TEXT_MAX);
  while (length > 0 && text[length - 1] == ' ') --length;
  char clean[RISE_TEXT_MAX];
  std::transform(text, text + length, clean, printable);
  host.text_write(host.context, read.signal, clean, static_cast<std::uint32_t>(length));
}

}  // namespace

void decode_values(const rise_host& host, const Read& read, Bytes data, const ControlInfo& info,
                   std::uint32_t hidden, TimerOrder* timers) {
  TimerOrder nothing = TimerOrder::Unknown;
  if (read.decoding == Decoding::Text) {
    decode_text(host, read, data);
    return;
  }
  Sink sink(host, read, info, hidden);
  const std::uint8_t* p = data.data();
  switch (read.decoding) {
    case Decoding::Words:
      for (std::size_t at = 0; at + 2 <= data.size() && !sink.full(); at += 2) {
        sink.value(wire::load_i16(p + at));
      }
      break;
    case Decoding::Integers:
      for (std::size_t at = 0; at + 4 <= data.size() && !sink.full(); at += 4) {
        sink.value(wire::load_i32(p + at));
      }
      break;
    case Decoding::Numbers:
    case Decoding::Magnitudes:
      for (std::size_t at = 0; at + wire::kNumberBytes <= data.size() && !sink.full();
           at += wire::kNumberBytes) {
        std::optional<double> value = wire::value_of(wire::load_number(p + at));
        if (value && read.decoding == Decoding::Magnitudes) value = std::fabs(*value);
        sink.value(value);
      }
      break;
    case Decoding::Doubles:
      for (std::size_t at = 0; at + 8 <= data.size() && !sink.full(); at += 8) {
        sink.value(load_double(p + at));
      }
      break;
    case Decoding::Record: decode_record(read, data, info, &sink); break;
    case Decoding::PmcValues: decode_pmc(read, data, &sink); break;
    case Decoding::PmcBit:
      if (!data.empty()) sink.value(p[0] >> read.aux & 1);
      break;
    case Decoding::FeedOverride:
      // *FV0..*FV7: each bit says "not": all ones is 0 %, and so is all zeros.
      if (!data.empty()) sink.value(p[0] == 0 ? 0 : 255 - p[0]);
      break;
    case Decoding::RapidOverride: {
      constexpr double kPercent[] = {100, 50, 25,
                                     0};  // ROV1, ROV2; the last is F0, set by a parameter
      if (!data.empty()) sink.value(kPercent[p[0] & 3]);
      break;
    }
    case Decoding::Timer: decode_timer(data, timers != nullptr ? timers : &nothing, &sink); break;
    case Decoding::GCode: decode_gcode(data, &sink); break;
    case Decoding::ModalValue: decode_modal(read, data, &sink); break;
    case Decoding::AlarmBits:
      if (data.size() >= 4) sink.value(wire::load_u32(p));
      break;
    default: break;
  }
}

// Only real numbers have a point; of bits, bytes, words and two-words the mantissa is the value,
// whatever stands behind it (a base of 0 and an exponent of -1, as the vendor's client writes
// them).
std::optional<double> record_value(const wire::Number& number, std::int16_t type, bool parameter) {
  const std::int16_t real = parameter ? 4 : 5;
  if (type < 0 || type > real) return std::nullopt;
  if (type == real) return wire::value_of(number);
  const bool whole =
      number.base == 0 || (number.base == 10 && number.exponent >= 0 && number.exponent <= 9);
  if (!whole) return std::nullopt;
  return number.mantissa;
}

void invalidate(const rise_host& host, const Read& read) {
  for (std::int32_t i = 0; i < read.count; ++i) {
    host.signal_invalidate(host.context, read.signal + i);
  }
}

}  // namespace rise::focas
