// Tool offsets, work offsets, tool life.
#include <algorithm>
#include <cmath>

#include "drivers/focas/simulator/commands.hpp"
#include "drivers/focas/simulator/figures.hpp"

namespace rise::cncsim::command {

namespace {

using focas::wire::Number;

// The API adds this to the kind where it addresses one offset.
constexpr std::int32_t kSingle = 1000;

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

}  // namespace

// Arguments: first, last, kind.
Status read_tool_offset(Call& call) {
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

// Arguments: number (0 external, 1..6: G54 .. G59), the same, axis (from 1; -1: all).
Status read_work_offset(Call& call) {
  const std::int32_t number = call.argument(0);
  const std::int32_t axis = call.argument(2);
  const auto axes = static_cast<std::int32_t>(call.path.spec().axes.size());
  if (number < 0 || number > 6) return Status::Number;
  if (axis != -1 && (axis < 1 || axis > axes)) return Status::Attribute;
  const int decimals = call.control.spec().decimals;
  const Parameter& values = *call.path.parameters().find(parameter::kExternalOffset + number);
  const auto put = [&](std::size_t index) {
    call.answer.put_number(fixed_point(values.values[index].real(), decimals));
  };
  if (axis != -1) {
    put(static_cast<std::size_t>(axis - 1));
    return Status::Ok;
  }
  for (std::size_t i = 0; i < call.max_axes(); ++i) {
    if (i < values.values.size()) {
      put(i);
    } else {
      call.answer.put_number(beyond(call.control, i, decimals));
    }
  }
  return Status::Ok;
}

Status tool_group_id(Call& call) {
  if (const Status status = check_group(call); status != Status::Ok) return status;
  call.answer.put_i32(call.argument(0));
  return Status::Ok;
}

Status tool_group_count(Call& call) {
  call.answer.put_i32(kGroups);
  return Status::Ok;
}

// Argument: group. 24 bytes: group, tools, -, life, -, count; life and count are minutes.
Status tool_life(Call& call) {
  if (const Status status = check_group(call); status != Status::Ok) return status;
  const ToolState& tool = call.path.cutting().tool(call.argument(0));
  const double life_min = call.control.spec().cutting.tool_life_min;
  call.answer.put_i32(call.argument(0));
  call.answer.put_i32(kToolsPerGroup);
  call.answer.put_i32(0);
  call.answer.put_i32(static_cast<std::int32_t>(life_min));
  call.answer.put_i32(0);
  call.answer.put_i32(static_cast<std::int32_t>(tool.cutting_s / 60));
  return Status::Ok;
}

// Arguments: group, place in the group. -> group, place, tool number.
Status tool_number(Call& call) {
  if (const Status status = check_group(call); status != Status::Ok) return status;
  const std::int32_t place = call.argument(1);
  if (place < 1 || place > kToolsPerGroup) return Status::Number;
  call.answer.put_i32(call.argument(0));
  call.answer.put_i32(place);
  call.answer.put_i32(call.argument(0) * 100 + place);
  return Status::Ok;
}

}  // namespace rise::cncsim::command
