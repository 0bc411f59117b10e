// Positions, and what a client needs to show them: counts, names, units.
#include <algorithm>

#include "drivers/focas/simulator/protocol/commands.hpp"
#include "drivers/focas/simulator/protocol/figures.hpp"

namespace rise::cncsim::command {

namespace {

using focas::wire::PositionKind;

bool find_coordinate(std::int32_t kind, Coordinate* coordinate) {
  switch (static_cast<PositionKind>(kind)) {
    case PositionKind::AbsoluteDisplayed:
    case PositionKind::Absolute: *coordinate = Coordinate::Absolute; return true;
    case PositionKind::Machine: *coordinate = Coordinate::Machine; return true;
    case PositionKind::RelativeDisplayed:
    case PositionKind::Relative: *coordinate = Coordinate::Relative; return true;
    case PositionKind::DistanceDisplayed:
    case PositionKind::Distance: *coordinate = Coordinate::Distance; return true;
    case PositionKind::Skip: *coordinate = Coordinate::Absolute; return true;
  }
  return false;
}

constexpr unsigned kUnitDegree = 2;

}  // namespace

// Arguments: kind, axis (from 1; -1: all). All: as many elements as the control has at most.
Status position(Call& call) {
  Coordinate kind = Coordinate::Absolute;
  if (!find_coordinate(call.argument(0), &kind)) return Status::Attribute;
  const std::size_t axes = call.path.spec().axes.size();
  const std::int32_t axis = call.argument(1);
  if (axis == -1) {
    for (std::size_t i = 0; i < call.max_axes(); ++i) {
      call.answer.put_number(i < axes ? coordinate(call.control, call.path, kind, i)
                                      : beyond(call.control, i, call.control.spec().decimals));
    }
    return Status::Ok;
  }
  if (axis < 1 || axis > static_cast<std::int32_t>(axes)) return Status::Attribute;
  call.answer.put_number(
      coordinate(call.control, call.path, kind, static_cast<std::size_t>(axis - 1)));
  return Status::Ok;
}

// Argument: 0 axes, 1 spindles, 2 servo axes, 3 selected spindles: those that the speed display
// shows, of which there is one.
Status counts(Call& call) {
  const auto axes = static_cast<unsigned>(call.path.spec().axes.size());
  const auto spindles = static_cast<unsigned>(call.path.spec().spindles.size());
  switch (call.argument(0)) {
    case 0:
    case 2: call.answer.put_u16(axes); return Status::Ok;
    case 1: call.answer.put_u16(spindles); return Status::Ok;
    case 3: call.answer.put_u16(std::min(1u, spindles)); return Status::Ok;
    default: return Status::Attribute;
  }
}

// Argument -1: four names per axis (base, absolute, machine, relative); otherwise one.
Status axis_names(Call& call) {
  const int names = call.argument(0) == -1 ? 4 : 1;
  for (const AxisSpec& axis : call.path.spec().axes) {
    for (int i = 0; i < names; ++i) call.answer.put_text(axis.name, 4);
  }
  return Status::Ok;
}

// 1 and 2: two words per axis, unit of the displayed and of the machine coordinate (0 mm, 1 inch,
// 2 degree). 3: unit of the feed, 4: of the spindle speed, 0 (asked by the vendor's client on
// legacy controls): 0 if feeds are metric, each twice.
Status units(Call& call) {
  const std::int32_t kind = call.argument(0);
  if (kind < 0 || kind > 4) return Status::Attribute;
  const bool inch = shows_inch(call.path);
  if (kind == 1 || kind == 2) {
    const std::vector<AxisSpec>& axes = call.path.spec().axes;
    for (std::size_t i = 0; i < call.max_axes(); ++i) {
      const bool rotary = i < axes.size() && axes[i].rotary;
      call.answer.put_u16(rotary ? kUnitDegree : (inch ? 1 : 0));
      call.answer.put_u16(rotary ? kUnitDegree : 0);
    }
    return Status::Ok;
  }
  constexpr unsigned kFeedPerMinute = 3;  // 4: inch/min, 6: mm/rev, 7: inch/rev
  constexpr unsigned kRpm = 5;
  const bool per_turn = call.path.modal().active(ModalGroup::Feed) == 950;
  const unsigned feed = kFeedPerMinute + (inch ? 1 : 0) + (per_turn ? 3 : 0);
  for (int i = 0; i < 2; ++i) {
    call.answer.put_u16(kind == 3 ? feed : (kind == 4 ? kRpm : (inch ? 1 : 0)));
    call.answer.put_u16(0);
  }
  return Status::Ok;
}

Status display_flags(Call& call) {
  constexpr std::uint32_t kShowAll = 0x0f;
  const std::int32_t axis = call.argument(1);
  const auto axes = static_cast<std::int32_t>(call.path.spec().axes.size());
  if (axis != -1 && (axis < 1 || axis > axes)) return Status::Attribute;
  for (std::int32_t i = 0; i < (axis == -1 ? axes : 1); ++i) call.answer.put_u32(kShowAll);
  return Status::Ok;
}

}  // namespace rise::cncsim::command
