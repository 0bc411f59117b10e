// Tool offsets, work offsets, tool life.
#include <algorithm>
#include <cmath>

#include "drivers/focas/simulator/protocol/commands.hpp"
#include "drivers/focas/simulator/protocol/figures.hpp"

namespace rise::cncsim::command {

namespace {

using focas::wire::Number;

// The API adds this to the kind where it addresses one offset.
constexpr std::int32_t kSingle = 1000;
constexpr std::int32_t kAllKinds = -1;
constexpr int kMillKinds = 4;

// Tool life management: group n watches tool n of the cutting model and has a sister tool.
constexpr std::int32_t kGroups = 8;
constexpr std::int32_t kToolsPerGroup = 2;

Status check_offsets(const Call& call, int* kind) {
  const std::int32_t first = call.argument(0);
  const std::int32_t last = call.argument(1);
  *kind = call.argument(2) >= kSingle ? call.argument(2) - kSingle : call.argument(2);
  if (last < first || !call.path.offsets().exists(first, 0) ||
      !call.path.offsets().exists(last, 0)) {
    return Status::Number;
  }
  return call.path.offsets().exists(first, *kind) ? Status::Ok : Status::Attribute;
}

Status check_group(const Call& call) {
  const std::int32_t group = call.argument(0);
  return group >= 1 && group <= kGroups ? Status::Ok : Status::Number;
}

// All kinds of one number after the other; of a mill only, where their order is known.
Status read_all_kinds(Call& call) {
  const ToolOffsets& offsets = call.path.offsets();
  if (call.control.personality().machine != MachineType::Mill) return Status::Attribute;
  const std::int32_t first = call.argument(0);
  const std::int32_t last = call.argument(1);
  if (last < first || !offsets.exists(first, 0) || !offsets.exists(last, 0)) return Status::Number;
  for (std::int32_t number = first; number <= last; ++number) {
    for (int kind = 0; kind < kMillKinds; ++kind) {
      call.answer.put_number(fixed_point(offsets.get(number, kind), call.control.spec().decimals));
    }
  }
  return Status::Ok;
}

// One work offset: of one axis (from 1), or (-1) as many elements as the control has axes at most.
void put_work_offset(Call& call, std::int32_t number, std::int32_t axis) {
  const int decimals = call.control.spec().decimals;
  const Parameter& values = *call.path.parameters().find(parameter::kExternalOffset + number);
  const std::size_t first = axis == -1 ? 0 : static_cast<std::size_t>(axis - 1);
  const std::size_t end = axis == -1 ? call.max_axes() : first + 1;
  for (std::size_t i = first; i < end; ++i) {
    call.answer.put_number(i < values.values.size() ? fixed_point(values.values[i].real(), decimals)
                                                    : beyond(call.control, i, decimals));
  }
}

void put_tool_life(Call& call, std::int32_t group) {
  const double life_min = call.control.spec().cutting.tool_life_min;
  const double used_min = call.path.cutting().tool(group).cutting_s / 60;
  call.answer.put_i32(kToolsPerGroup);
  call.answer.put_i32(0);
  call.answer.put_i32(static_cast<std::int32_t>(life_min));
  call.answer.put_i32(0);
  call.answer.put_i32(static_cast<std::int32_t>(used_min));
  call.answer.put_zeros(12);
}

}  // namespace

// Arguments: first, last, kind (-1: all).
Status read_tool_offset(Call& call) {
  if (call.argument(2) == kAllKinds) return read_all_kinds(call);
  int kind = 0;
  if (const Status status = check_offsets(call, &kind); status != Status::Ok) return status;
  for (std::int32_t number = call.argument(0); number <= call.argument(1); ++number) {
    call.answer.put_number(
        fixed_point(call.path.offsets().get(number, kind), call.control.spec().decimals));
  }
  return Status::Ok;
}

// A value without digits (exponent -1) counts the least increment.
Status write_tool_offset(Call& call) {
  int kind = 0;
  if (const Status status = check_offsets(call, &kind); status != Status::Ok) return status;
  const std::int32_t first = call.argument(0);
  const auto count = static_cast<std::size_t>(call.argument(1) - first + 1);
  if (call.request.payload.size() != 8 * count) return Status::Length;
  const double least = std::pow(10.0, -call.control.spec().decimals);
  constexpr double kLargest_mm = 10000;
  for (const bool carry_out : {false, true}) {
    for (std::size_t i = 0; i < count; ++i) {
      const Number number = focas::wire::load_number(call.request.payload.data() + 8 * i);
      const double value = number.exponent == -1
                               ? number.mantissa * least
                               : focas::wire::value_of(number).value_or(kLargest_mm);
      if (std::fabs(value) >= kLargest_mm) return Status::Data;
      if (carry_out) call.path.offsets().set(first + static_cast<int>(i), kind, value);
    }
  }
  return Status::Ok;
}

Status tool_offset_info(Call& call) {
  constexpr unsigned kMemoryC = 3;
  call.answer.put_i32(call.path.offsets().sets());
  call.answer.put_u16(kMemoryC);
  call.answer.put_u16(0);
  return Status::Ok;
}

// Arguments: first, last (0 external, 1..6: G54 .. G59), axis (from 1; -1: all). Status Length with
// data: there is more than fits into the reply.
Status read_work_offset(Call& call) {
  constexpr std::int32_t kLastOffset = 6;
  const std::int32_t first = call.argument(0);
  const std::int32_t last = call.argument(1);
  const std::int32_t axis = call.argument(2);
  const auto axes = static_cast<std::int32_t>(call.path.spec().axes.size());
  if (first < 0 || last < first || last > kLastOffset) return Status::Number;
  if (axis != -1 && (axis < 1 || axis > axes)) return Status::Attribute;
  const std::size_t bytes = axis == -1 ? 8 * call.max_axes() : 8;
  for (std::int32_t number = first; number <= last; ++number) {
    if (call.answer.room() < bytes) return Status::Length;
    put_work_offset(call, number, axis);
  }
  return Status::Ok;
}

Status tool_group_id(Call& call) {
  if (const Status status = check_group(call); status != Status::Ok) return status;
  call.answer.put_i32(call.argument(0));
  return Status::Ok;
}

// Groups in use, and the most that there can be: groups, tools in one, minutes and cycles of a
// life.
Status tool_group_count(Call& call) {
  for (const std::int32_t value : {kGroups, kGroups, kToolsPerGroup, 4300, 65535}) {
    call.answer.put_i32(value);
  }
  return Status::Ok;
}

// Arguments: first, last group. -> first group, then 32 bytes for each: tools, -, life, kind of the
// count, count, -, -, -.
Status tool_life(Call& call) {
  if (const Status status = check_group(call); status != Status::Ok) return status;
  const std::int32_t last = call.argument(1);
  if (last < call.argument(0) || last > kGroups) return Status::Number;
  call.answer.put_i32(call.argument(0));
  for (std::int32_t group = call.argument(0); group <= last; ++group) put_tool_life(call, group);
  return Status::Ok;
}

// Arguments: group, first place in the group, most tools. -> group, place, then sixteen bytes for
// each tool: its number, H and D code (here the number of the group), state (1: can be used).
Status tool_number(Call& call) {
  constexpr std::int32_t kUsable = 1;
  if (const Status status = check_group(call); status != Status::Ok) return status;
  const std::int32_t group = call.argument(0);
  const std::int32_t first = call.argument(1);
  if (first < 1 || first > kToolsPerGroup) return Status::Number;
  const std::int32_t left = kToolsPerGroup - first + 1;
  const std::int32_t last = first + std::clamp(call.argument(2), 1, left) - 1;
  call.answer.put_i32(group);
  call.answer.put_i32(first);
  for (std::int32_t place = first; place <= last; ++place) {
    for (const std::int32_t value : {group * 100 + place, group, group, kUsable}) {
      call.answer.put_i32(value);
    }
  }
  return Status::Ok;
}

}  // namespace rise::cncsim::command
