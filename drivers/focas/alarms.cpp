#include "drivers/focas/alarms.hpp"

#include <algorithm>
#include <cstring>

#include "drivers/focas/text.hpp"
#include "drivers/focas/wire/bytes.hpp"

namespace rise::focas {

namespace {

// While an alarm stays on, its messages are looked at again this often: one may follow another.
constexpr std::int64_t kRefresh_ns = 500'000'000;
constexpr std::size_t kFixed = 16;
constexpr std::uint32_t kMostRefusals = 3;
constexpr std::uint32_t kTypes = 32;

// Records of another size than asked for may make up whole ones by chance: then what stands where
// type and length should be is neither.
bool plausible(wire::Bytes data, std::size_t text_bytes) {
  if (data.size() % (kFixed + text_bytes) != 0) return false;
  for (std::size_t at = 0; at < data.size(); at += kFixed + text_bytes) {
    if (wire::load_u32(data.data() + at + 4) >= kTypes) return false;
    if (wire::load_u32(data.data() + at + 12) > text_bytes) return false;
  }
  return true;
}

}  // namespace

void Alarms::ask_anew() {
  for (Path& path : paths_) {
    path.bits = 0;
    path.asked_ns = 0;
    path.refusals = 0;
  }
}

bool Alarms::take_bits(const rise_host& host, std::uint16_t number, wire::Bytes data,
                       std::int64_t now_ns) {
  if (data.size() < 4 || number < 1 || number > kMaxPaths) return false;
  Path& path = paths_[number - 1];
  const std::uint32_t bits = wire::load_u32(data.data());
  const bool changed = bits != path.bits;
  path.bits = bits;
  if (bits == 0) {
    if (path.count != 0) {
      path.count = 0;
      tell(host);
    }
    return false;
  }
  if (!changed && now_ns - path.asked_ns < kRefresh_ns) return false;
  path.asked_ns = now_ns;
  return true;
}

bool Alarms::take_messages(const rise_host& host, std::uint16_t number, std::size_t text_bytes,
                           wire::Bytes data) {
  if (number < 1 || number > kMaxPaths || !plausible(data, text_bytes)) return false;
  Path& path = paths_[number - 1];
  path.refusals = 0;
  if (path.bits == 0) return true;  // came and went
  path.count = 0;
  for (std::size_t at = 0; at < data.size() && path.count < kPerPath; at += kFixed + text_bytes) {
    const std::uint8_t* p = data.data() + at;
    One& one = path.list[path.count++];
    one.number = wire::load_i32(p);
    one.type = wire::load_i32(p + 4);
    one.axis = wire::load_i32(p + 8);
    const std::uint32_t length = wire::load_u32(p + 12);
    const auto* text = reinterpret_cast<const char*>(p + kFixed);
    std::size_t size = strnlen(text, std::min<std::size_t>({length, text_bytes, kText}));
    while (size > 0 && text[size - 1] == ' ') --size;
    std::transform(text, text + size, one.text, printable);
    one.length = static_cast<std::uint32_t>(size);
  }
  tell(host);
  return true;
}

bool Alarms::messages_refused(std::uint16_t number) {
  if (number < 1 || number > kMaxPaths) return false;
  return ++paths_[number - 1].refusals >= kMostRefusals;
}

void Alarms::no_messages(const rise_host& host, std::uint16_t number) {
  if (number < 1 || number > kMaxPaths) return;
  Path& path = paths_[number - 1];
  path.count = 0;
  for (std::int32_t type = 0; type < 32 && path.count < kPerPath; ++type) {
    if ((path.bits >> type & 1) == 0) continue;
    One& one = path.list[path.count++];
    one = One();
    one.type = type;
  }
  tell(host);
}

void Alarms::tell(const rise_host& host) const {
  rise_alarm list[kMaxPaths * kPerPath];
  std::uint32_t count = 0;
  for (std::uint32_t p = 0; p < kMaxPaths; ++p) {
    for (std::uint32_t i = 0; i < paths_[p].count; ++i) {
      const One& one = paths_[p].list[i];
      list[count++] = {sizeof(rise_alarm), one.type, one.number, one.axis,
                       one.length,         p + 1,    one.text};
    }
  }
  host.alarms(host.context, list, count);
}

}  // namespace rise::focas
