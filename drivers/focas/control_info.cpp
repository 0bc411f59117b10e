#include "drivers/focas/control_info.hpp"

#include <algorithm>
#include <cstring>

#include "drivers/focas/wire/bytes.hpp"

namespace rise::focas {

namespace {

constexpr std::size_t kLegacyFixed = 16;
constexpr std::size_t kLegacyRecord = 8;
constexpr std::size_t kNewFixed = 40;
constexpr std::size_t kNewRecord = 32;
constexpr std::size_t kMaxAxesAnywhere = 64;  // more is no plausible control

std::uint16_t word(wire::Bytes body, std::size_t index) {
  return wire::load_u16(body.data() + 2 * index);
}

constexpr std::uint16_t kLathe = 0x2054;  // " T"

void add_path(ControlInfo* info, std::uint16_t machine, std::uint16_t axes,
              std::uint16_t servo_axes, std::uint16_t spindles) {
  if (info->paths == kMaxPaths) return;
  info->axes[info->paths] = std::min(axes, info->max_axes);
  // A control that says "none" of axes which it moves does not say.
  info->servo_axes[info->paths] = std::min(servo_axes == 0 ? axes : servo_axes, info->max_axes);
  info->spindles[info->paths] = spindles;
  info->lathe[info->paths] = machine == kLathe;
  ++info->paths;
}

}  // namespace

bool read_open_reply(const wire::Frame& frame, ControlInfo* info) {
  *info = {};
  info->version = frame.header.version;
  const wire::Bytes body = frame.body;
  const bool is_new = wire::is_new_control(info->version);
  const std::size_t fixed = is_new ? kNewFixed : kLegacyFixed;
  const std::size_t record = is_new ? kNewRecord : kLegacyRecord;
  if (body.size() < fixed) return false;
  info->family = word(body, 1);
  info->max_axes = word(body, is_new ? 3 : 2);
  const std::size_t records = word(body, is_new ? 5 : 4);
  if (records > 64 || body.size() != fixed + records * record) return false;
  if (info->max_axes == 0 || info->max_axes > kMaxAxesAnywhere) return false;
  for (std::size_t i = 0; i < records; ++i) {
    const wire::Bytes path = body.subspan(fixed + i * record, record);
    if (word(path, 0) == 0) continue;  // not in use
    if (is_new) {
      add_path(info, word(path, 0), word(path, 3), word(path, 4), word(path, 5));
    } else {
      add_path(info, word(path, 0), word(path, 2), word(path, 2), word(path, 3));
    }
  }
  return info->paths > 0;
}

bool read_system_info(wire::Bytes data, ControlInfo* info) {
  if (data.size() < 18) return false;
  std::memcpy(info->type, data.data() + 4, 2);
  std::memcpy(info->machine, data.data() + 6, 2);
  std::memcpy(info->series, data.data() + 8, 4);
  std::memcpy(info->software, data.data() + 12, 4);
  return true;
}

}  // namespace rise::focas
