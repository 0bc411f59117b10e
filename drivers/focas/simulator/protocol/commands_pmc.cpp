// PLC memory. The memory is little-endian, as in the PLC; words and longs on the wire are
// big-endian, so elements of more than one byte are turned around.
#include <algorithm>

#include "drivers/focas/simulator/protocol/commands.hpp"

namespace rise::cncsim::command {

namespace {

// Bytes per element by type: byte, word, long, - (no such type), float, double.
constexpr std::int32_t kTypes = 6;
constexpr std::size_t kElementBytes[kTypes] = {1, 2, 4, 0, 4, 8};

// The range that the arguments name (first, last, area, type); empty with a status if there is
// none.
std::span<std::uint8_t> find_range(Call& call, std::size_t* element, Status* status) {
  const std::int32_t area = call.argument(2);
  const std::int32_t type = call.argument(3);
  *status = Status::Attribute;
  if (type < 0 || type >= kTypes || kElementBytes[type] == 0 || area < 0) return {};
  *element = kElementBytes[type];
  *status = Status::Number;
  const auto range =
      call.control.pmc().range(static_cast<std::size_t>(area), call.argument(0), call.argument(1));
  if (range.empty()) return {};
  *status = range.size() % *element == 0 ? Status::Ok : Status::Length;
  return *status == Status::Ok ? range : std::span<std::uint8_t>{};
}

PmcArea area_of(const Call& call) { return static_cast<PmcArea>(call.argument(2)); }

}  // namespace

Status pmc_read(Call& call) {
  if (area_of(call) == PmcArea::F || area_of(call) == PmcArea::Y) call.control.refresh_signals();
  std::size_t element = 1;
  Status status = Status::Ok;
  const auto range = find_range(call, &element, &status);
  if (status != Status::Ok) return status;
  for (std::size_t i = 0; i < range.size(); i += element) {
    std::uint8_t bytes[8];
    std::reverse_copy(range.begin() + static_cast<std::ptrdiff_t>(i),
                      range.begin() + static_cast<std::ptrdiff_t>(i + element), bytes);
    call.answer.put_bytes({bytes, element});
  }
  return Status::Ok;
}

// F belongs to the control: only it writes there.
Status pmc_write(Call& call) {
  std::size_t element = 1;
  Status status = Status::Ok;
  const auto range = find_range(call, &element, &status);
  if (status != Status::Ok) return status;
  if (area_of(call) == PmcArea::F) return Status::Protected;
  const focas::wire::Bytes payload = call.request.payload;
  if (payload.size() != range.size()) return Status::Length;
  for (std::size_t i = 0; i < range.size(); i += element) {
    const auto begin = payload.begin() + static_cast<std::ptrdiff_t>(i);
    std::reverse_copy(begin, begin + static_cast<std::ptrdiff_t>(element),
                      range.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (area_of(call) == PmcArea::G || area_of(call) == PmcArea::X) call.control.signals_changed();
  return Status::Ok;
}

}  // namespace rise::cncsim::command
