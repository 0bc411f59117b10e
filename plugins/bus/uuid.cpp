#include "plugins/bus/uuid.hpp"

#include <charconv>
#include <chrono>
#include <random>

namespace rise::bus {

namespace {

constexpr std::uint64_t kVersion = 7;
constexpr std::uint64_t kVariant = 2;
constexpr std::uint64_t kCounterLimit = 1u << 12u;

std::uint64_t random_bits() {
  thread_local std::mt19937_64 engine = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return engine();
}

}  // namespace

// RFC 9562, section 6.2, method 1: a counter within the millisecond. One that overflows, or a clock
// that goes back, takes the next millisecond instead of the clock's.
Uuid Uuid::make() {
  thread_local std::uint64_t last_ms = 0;
  thread_local std::uint64_t counter = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  const std::uint64_t chance = random_bits();
  if (now_ms > last_ms) {
    last_ms = now_ms;
    counter = chance >> 54u;  // from the lower quarter: there is room to count
  } else if (++counter == kCounterLimit) {
    ++last_ms;
    counter = 0;
  }
  Uuid id;
  id.high = (last_ms << 16u) | (kVersion << 12u) | counter;
  id.low = (kVariant << 62u) | (random_bits() >> 2u);
  return id;
}

Uuid Uuid::of(std::int64_t time_ms, std::uint64_t a, std::uint64_t b) {
  // The finalizer of SplitMix64 (Steele, Lea, Flood 2014): each bit of the result hangs on each
  // bit.
  const auto mix = [](std::uint64_t x) {
    x = (x ^ (x >> 30u)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27u)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31u);
  };
  const std::uint64_t first = mix(a + 0x9e3779b97f4a7c15u * (b + 1));
  const std::uint64_t second = mix(first + b);
  Uuid id;
  id.high = (static_cast<std::uint64_t>(time_ms) << 16u) | (kVersion << 12u) | (first & 0xfffu);
  id.low = (kVariant << 62u) | (second >> 2u);
  return id;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::uint64_t halves[2] = {};
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return std::nullopt;
    if (dash) continue;
    unsigned digit = 0;
    const auto [end, error] = std::from_chars(&text[i], &text[i] + 1, digit, 16);
    if (error != std::errc()) return std::nullopt;
    halves[digits / 16] = (halves[digits / 16] << 4u) | digit;
    ++digits;
  }
  return Uuid{halves[0], halves[1]};
}

std::string Uuid::text() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    const std::uint64_t half = i < 16 ? high : low;
    out += kDigits[(half >> (60u - 4u * static_cast<unsigned>(i % 16))) & 15u];
  }
  return out;
}

}  // namespace rise::bus
