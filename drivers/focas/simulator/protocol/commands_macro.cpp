// Macro variables. New controls speak base 10; legacy ones answer base 2, and take either.
#include <cmath>
#include <limits>

#include "drivers/focas/simulator/machine/variables.hpp"
#include "drivers/focas/simulator/protocol/commands.hpp"

namespace rise::cncsim::command {

namespace {

using focas::wire::Number;

constexpr Number kEmpty{-1, 10, -1};
constexpr int kMaxDigits = 8;

Number to_wire(const Call& call, double value) {
  if (std::isnan(value)) return kEmpty;
  return (call.is_new() ? focas::wire::decimal(value, kMaxDigits) : focas::wire::binary(value))
      .value_or(kEmpty);
}

// Ok if all of first .. last exist (and can be written).
Status check_range(const Call& call, std::int64_t first, std::int64_t last, bool write) {
  if (last < first || last - first > 1000) return Status::Number;
  for (std::int64_t number = first; number <= last; ++number) {
    const VariableKind kind = variable_kind(static_cast<int>(number));
    if (kind == VariableKind::Unknown) return Status::Number;
    if (write && kind == VariableKind::ReadOnly) return Status::Attribute;
  }
  const auto bytes = static_cast<std::size_t>(8 * (last - first + 1));
  if (write && call.request.payload.size() != bytes) return Status::Length;
  return Status::Ok;
}

}  // namespace

// Arguments: first, last.
Status read_macro(Call& call) {
  const Status status = check_range(call, call.argument(0), call.argument(1), false);
  if (status != Status::Ok) return status;
  for (std::int32_t number = call.argument(0); number <= call.argument(1); ++number) {
    call.answer.put_number(to_wire(call, read_variable(call.control, call.path, number)));
  }
  return Status::Ok;
}

Status write_macro(Call& call) {
  const Status status = check_range(call, call.argument(0), call.argument(1), true);
  if (status != Status::Ok) return status;
  const std::uint8_t* p = call.request.payload.data();
  const std::int32_t first = call.argument(0);
  const std::int32_t last = call.argument(1);
  // All or nothing: a value that makes no sense must not leave half of the range changed.
  for (std::int32_t number = first; number <= last; ++number) {
    const Number value = focas::wire::load_number(p + 8 * (number - first));
    if (value.exponent != -1 && !focas::wire::value_of(value)) return Status::Data;
  }
  for (std::int32_t number = first; number <= last; ++number) {
    const Number value = focas::wire::load_number(p + 8 * (number - first));
    call.path.macros().set(
        number, focas::wire::value_of(value).value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  return Status::Ok;
}

// Arguments: first, count.
Status read_macro_double(Call& call) {
  const std::int64_t first = call.argument(0);
  const std::int64_t last = first + call.argument(1) - 1;
  const Status status = check_range(call, first, last, false);
  if (status != Status::Ok) return status;
  for (std::int64_t number = first; number <= last; ++number) {
    call.answer.put_double(read_variable(call.control, call.path, static_cast<int>(number)));
  }
  return Status::Ok;
}

// Argument: first; as many as the payload has. Not a number: the variable becomes empty. -> how
// many were written: the vendor's client hands that on to its caller.
Status write_macro_double(Call& call) {
  const focas::wire::Bytes payload = call.request.payload;
  if (payload.empty() || payload.size() % 8 != 0) return Status::Length;
  const std::int64_t first = call.argument(0);
  const std::int64_t last = first + static_cast<std::int64_t>(payload.size() / 8) - 1;
  const Status status = check_range(call, first, last, true);
  if (status != Status::Ok) return status;
  for (std::int64_t number = first; number <= last; ++number) {
    const std::uint8_t* p = payload.data() + 8 * (number - first);
    const std::uint64_t bits =
        std::uint64_t{focas::wire::load_u32(p)} << 32 | focas::wire::load_u32(p + 4);
    call.path.macros().set(static_cast<int>(number), std::bit_cast<double>(bits));
  }
  call.answer.put_i32(static_cast<std::int32_t>(payload.size() / 8));
  return Status::Ok;
}

Status macro_info(Call& call) {
  call.answer.put_i32(Macros::kLocals);
  call.answer.put_i32(600);  // #100 - #199, #500 - #999
  return Status::Ok;
}

}  // namespace rise::cncsim::command
