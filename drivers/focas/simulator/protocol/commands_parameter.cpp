// Parameters and diagnosis: records of a number, an axis, a type and as many elements as the
// control has axes at most - eight bytes each with the new commands, four with the legacy ones.
#include <algorithm>
#include <cmath>

#include "drivers/focas/simulator/machine/diagnosis.hpp"
#include "drivers/focas/simulator/protocol/commands.hpp"
#include "drivers/focas/simulator/protocol/figures.hpp"

namespace rise::cncsim::command {

namespace {

using focas::wire::Number;

// The commands of new controls; legacy controls of family 2 take them, too.
bool is_wide(const Call& call) { return call.request.command >= 0x8d; }
std::size_t element_bytes(const Call& call) { return is_wide(call) ? 8 : 4; }
std::size_t record_bytes(const Call& call) { return 8 + call.max_axes() * element_bytes(call); }

// Which elements of a value an axis argument selects. `count`: how many the value has.
struct Selection {
  Status status = Status::Ok;
  int axis = 0;  // as the record says it
  std::size_t first = 0;
  std::size_t count = 1;
};

Selection select(ParameterScope scope, std::size_t count, std::int32_t axis) {
  Selection selection;
  if (scope == ParameterScope::Common) {
    if (axis != 0 && axis != -1) selection.status = Status::Attribute;
    return selection;
  }
  selection.axis = axis;
  if (axis == -1) {
    selection.count = count;
  } else if (axis < 1 || axis > static_cast<std::int32_t>(count)) {
    selection.status = Status::Attribute;
  } else {
    selection.first = static_cast<std::size_t>(axis - 1);
  }
  return selection;
}

template <class Value>
void put_record(Call& call, int number, const Selection& selection, int type, Value value) {
  call.answer.put_i32(number);
  call.answer.put_i16(selection.axis);
  call.answer.put_i16(type);
  for (std::size_t i = 0; i < call.max_axes(); ++i) {
    const Number element = i < selection.count ? value(selection.first + i) : Number{};
    if (is_wide(call)) {
      call.answer.put_number(element);
    } else {
      call.answer.put_i32(element.mantissa);
    }
  }
}

// Legacy controls have no values with a point: lengths are counts of 0.001 mm.
int type_on_wire(const Call& call, ParameterType type) {
  const bool count = !call.is_new() && type == ParameterType::Real;
  return static_cast<int>(count ? ParameterType::TwoWord : type);
}

int type_on_wire(const Call& call, DiagnosisType type) {
  const bool count = !call.is_new() && type == DiagnosisType::Real;
  return static_cast<int>(count ? DiagnosisType::TwoWord : type);
}

// Parameters 6750 .. 6758 are the timers in another dress.
struct TimerParameter {
  int number;
  Timer timer;
  bool minutes;
};
constexpr TimerParameter kTimers[] = {
    {parameter::kPowerOnMinutes, Timer::PowerOn, true},
    {parameter::kOperatingMs, Timer::Operating, false},
    {parameter::kOperatingMinutes, Timer::Operating, true},
    {parameter::kCuttingMs, Timer::Cutting, false},
    {parameter::kCuttingMinutes, Timer::Cutting, true},
    {parameter::kFreeMs, Timer::Free, false},
    {parameter::kFreeMinutes, Timer::Free, true},
    {parameter::kCycleMs, Timer::Cycle, false},
    {parameter::kCycleMinutes, Timer::Cycle, true},
};

void timers_to_parameters(Path& path) {
  for (const TimerParameter& row : kTimers) {
    path.parameters().set_integer(row.number, row.minutes ? path.timers().minutes(row.timer)
                                                          : path.timers().milliseconds(row.timer));
  }
}

void parameter_to_timer(Path& path, int number) {
  constexpr std::int64_t kMinute_ns = 60'000'000'000;
  for (const TimerParameter& row : kTimers) {
    if (row.number != number) continue;
    const std::int64_t value = path.parameters().integer(number);
    const std::int64_t old = path.timers().get(row.timer);
    path.timers().set(row.timer, row.minutes ? value * kMinute_ns + old % kMinute_ns
                                             : old / kMinute_ns * kMinute_ns + value * 1'000'000);
  }
}

}  // namespace

// Arguments: first, last, axis (0 none, n, -1 all). Of a range, what does not fit the axis
// argument is left out; status Length with data: there is more than fits into the reply.
Status read_parameter(Call& call) {
  const std::int32_t first = call.argument(0);
  const std::int32_t last = call.argument(1);
  const Parameters& parameters = call.path.parameters();
  if (last >= parameter::kPowerOnMinutes && first <= parameter::kCycleMinutes) {
    timers_to_parameters(call.path);
  }
  Status refused = Status::Number;
  for (auto it = parameters.from(first); it != parameters.all().end() && it->number <= last; ++it) {
    const Selection selection = select(it->scope, it->values.size(), call.argument(2));
    if (selection.status != Status::Ok) {
      refused = selection.status;
      continue;
    }
    if (call.answer.room() < record_bytes(call)) return Status::Length;
    put_record(call, it->number, selection, type_on_wire(call, it->type),
               [&](std::size_t i) -> Number {
                 return {it->values[i].mantissa, 10, it->values[i].decimals};
               });
  }
  return call.answer.size() == 0 ? refused : Status::Ok;
}

namespace {

// Whole numbers come with base 0 and exponent -1, others with their digits.
Status take_record(Call& call, focas::wire::Bytes payload, bool carry_out) {
  if (payload.size() < 8 + element_bytes(call)) return Status::Length;
  const std::uint8_t* p = payload.data();
  const int number = focas::wire::load_i32(p);
  Parameter* parameter = call.path.parameters().find(number);
  if (parameter == nullptr) return Status::Number;
  const Selection selection =
      select(parameter->scope, parameter->values.size(), focas::wire::load_i16(p + 4));
  if (selection.status != Status::Ok) return selection.status;
  if (payload.size() < 8 + selection.count * element_bytes(call)) return Status::Length;
  std::vector<ParameterValue> values = parameter->values;
  for (std::size_t i = 0; i < selection.count; ++i) {
    const std::uint8_t* element = p + 8 + i * element_bytes(call);
    ParameterValue& value = values[selection.first + i];
    double written = focas::wire::load_i32(element);
    int decimals = value.decimals;
    if (parameter->type == ParameterType::Real) {
      if (is_wide(call)) decimals = focas::wire::load_i16(element + 6);
      if (decimals == -1) decimals = value.decimals;  // a count of the least increment
      if (decimals < 0 || decimals > 9) return Status::Data;
      written = ParameterValue{focas::wire::load_i32(element), static_cast<std::int16_t>(decimals)}
                    .real();
      decimals = value.decimals;
    }
    if (!to_parameter_value(parameter->type, written, decimals, &value)) return Status::Data;
  }
  if (!carry_out) return Status::Ok;
  parameter->values = std::move(values);
  parameter_to_timer(call.path, number);
  return Status::Ok;
}

}  // namespace

// Payload: one record, which may end after the elements in use, or several whole ones. Of several,
// none is written if one of them makes no sense.
Status write_parameter(Call& call) {
  const focas::wire::Bytes payload = call.request.payload;
  const std::size_t bytes = std::min(payload.size(), record_bytes(call));
  if (bytes == 0 || payload.size() % bytes != 0) return Status::Length;
  for (const bool carry_out : {false, true}) {
    for (std::size_t at = 0; at < payload.size(); at += bytes) {
      const Status status = take_record(call, payload.subspan(at, bytes), carry_out);
      if (status != Status::Ok) return status;
    }
  }
  return Status::Ok;
}

namespace {

// Both forms of the parameter information: previous and next number, then `count` records.
template <class Record>
Status put_info(Call& call, std::size_t bytes, Record record) {
  const std::vector<Parameter>& all = call.path.parameters().all();
  auto it = call.path.parameters().from(call.argument(0));
  if (it == all.end()) return Status::Number;
  const std::int32_t previous = it == all.begin() ? 0 : std::prev(it)->number;
  const auto wanted = static_cast<std::size_t>(std::max(1, call.argument(1)));
  const std::size_t room = call.answer.room() < 8 ? 0 : (call.answer.room() - 8) / bytes;
  const auto left = static_cast<std::size_t>(all.end() - it);
  const std::size_t count = std::min({wanted, room, left});
  const auto after = it + static_cast<std::ptrdiff_t>(count);
  call.answer.put_i32(previous);
  call.answer.put_i32(after == all.end() ? 0 : after->number);
  for (; it != after; ++it) record(*it);
  return Status::Ok;
}

}  // namespace

// Arguments: first, count. Eight bytes each: number, and a word whose bits 0 and 1 are the type
// (bit, byte, word, two-word). Bit 2: one value per axis, bit 8: one per spindle (the vendor's
// client counts the values of a write by it), bit 9: with a point.
Status parameter_info(Call& call) {
  return put_info(call, 8, [&](const Parameter& parameter) {
    constexpr std::int32_t kScopeBits[] = {0, 0x04, 0x100};
    constexpr std::int32_t kRealBits = 0x203;
    const int type = type_on_wire(call, parameter.type);
    call.answer.put_i32(parameter.number);
    call.answer.put_i32((type == static_cast<int>(ParameterType::Real) ? kRealBits : type) |
                        kScopeBits[static_cast<std::size_t>(parameter.scope)]);
  });
}

// Arguments: first, count. Twenty bytes each: number, size, array, unit, dimension, input,
// display, others, 0.
Status parameter_info_2(Call& call) {
  return put_info(call, 20, [&](const Parameter& parameter) {
    call.answer.put_i32(parameter.number);
    call.answer.put_i16(type_on_wire(call, parameter.type));
    call.answer.put_i16(static_cast<int>(parameter.scope));
    call.answer.put_zeros(12);
  });
}

// Arguments as for parameters.
Status diagnosis(Call& call) {
  const int decimals = call.control.spec().decimals;
  Status refused = Status::Number;
  for (const DiagnosisRow& row : diagnosis_rows()) {
    if (row.number < call.argument(0) || row.number > call.argument(1)) continue;
    const PathSpec& spec = call.path.spec();
    const std::size_t count =
        row.scope == ParameterScope::Spindle ? spec.spindles.size() : spec.axes.size();
    const Selection selection = select(row.scope, count, call.argument(2));
    if (selection.status != Status::Ok) {
      refused = selection.status;
      continue;
    }
    if (call.answer.room() < record_bytes(call)) return Status::Length;
    const int digits = row.type == DiagnosisType::Real ? decimals : 0;
    put_record(call, row.number, selection, type_on_wire(call, row.type),
               [&](std::size_t i) { return fixed_point(row.value(call.path, i), digits); });
  }
  return call.answer.size() == 0 ? refused : Status::Ok;
}

}  // namespace rise::cncsim::command
