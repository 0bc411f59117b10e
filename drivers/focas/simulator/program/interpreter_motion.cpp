// The part of the interpreter that turns axis words into ways: lines, arcs, reference return,
// dwell, origin, stroke check.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "drivers/focas/simulator/program/interpreter.hpp"

namespace rise::cncsim {

namespace {

constexpr ProgramFault kNoFeed{11, "FEED ZERO ( COMMAND )"};
constexpr ProgramFault kNoFeedLegacy{11, "NO FEEDRATE COMMANDED"};
constexpr ProgramFault kOffArc{20, "OVER TOLERANCE OF RADIUS"};
constexpr ProgramFault kNoRadius{22, "R OR I,J,K COMMAND NOT FOUND"};
constexpr ProgramFault kIllegalRadius{23, "ILLEGAL RADIUS COMMAND"};
constexpr ProgramFault kIllegalPlane{28, "ILLEGAL PLANE SELECT"};
constexpr ProgramFault kOvertravel{500, "OVERTRAVEL"};  // the step carries the whole alarm

constexpr double kPi = std::numbers::pi;

// The plane's axes and the letters of the way from start to center along them.
struct Plane {
  char u;
  char v;
  char center_u;
  char center_v;
};

Plane plane_of(int code) {
  if (code == 180) return {'Z', 'X', 'K', 'I'};
  if (code == 190) return {'Y', 'Z', 'J', 'K'};
  return {'X', 'Y', 'I', 'J'};
}

const Word* find_word(const Block& block, char letter) {
  for (std::size_t i = block.count; i > 0; --i) {
    if (block.words[i - 1].letter == letter) return &block.words[i - 1];
  }
  return nullptr;
}

bool find_axis(const PathSpec& path, char letter, std::size_t* index) {
  for (std::size_t i = 0; i < path.axes.size(); ++i) {
    if (path.axes[i].name[0] != letter) continue;
    *index = i;
    return true;
  }
  return false;
}

}  // namespace

AxisValues Interpreter::work_offset() const {
  AxisValues offset = shift_;
  const int system = modal_.active(ModalGroup::Work) / 10 - 54;
  const Parameter* external = parameters_.find(parameter::kExternalOffset);
  const Parameter* own = parameters_.find(parameter::kWorkOffset + system);
  for (std::size_t i = 0; i < path_.axes.size(); ++i) {
    offset[i] += external->values[i].real() + own->values[i].real();
  }
  return offset;
}

double Interpreter::length_of(const Word& word, bool rotary) const {
  const bool inch = !rotary && modal_.active(ModalGroup::Unit) == 200;
  double value = word.value;
  if (!word.point && !parameters_.bit(parameter::kPointBits, 0)) {
    value *= std::pow(10.0, -(control_.decimals + (inch ? 1 : 0)));
  }
  return inch ? value * 25.4 : value;
}

ProgramFault Interpreter::end_point(const Block& block, bool machine, AxisValues* end,
                                    bool* moves) const {
  *end = position_;
  *moves = false;
  const bool incremental = modal_.active(ModalGroup::Distance) == 910 && !machine;
  const AxisValues offset = work_offset();
  for (std::size_t i = 0; i < path_.axes.size(); ++i) {
    const Word* word = find_word(block, path_.axes[i].name[0]);
    if (word == nullptr) continue;
    *moves = true;
    const double value = length_of(*word, path_.axes[i].rotary);
    (*end)[i] = incremental ? position_[i] + value : value + (machine ? 0 : offset[i]);
  }
  return {};
}

ProgramFault Interpreter::add_line(const AxisValues& end, bool rapid, Step* step) {
  const Segment segment = make_line(path_, position_, end, rapid);
  if (const ProgramFault fault = check_stroke(segment, step)) return fault;
  position_ = end;
  if (segment.length_mm > 0) step->segments[step->segment_count++] = segment;
  return {};
}

ProgramFault Interpreter::read_motion(const Block& block, Step* step) {
  const int motion = modal_.active(ModalGroup::Motion);
  AxisValues end{};
  bool moves = false;
  if (const ProgramFault fault = end_point(block, machine_coordinates_, &end, &moves)) return fault;
  const Plane plane = plane_of(modal_.active(ModalGroup::Plane));
  const bool arc = (motion == 20 || motion == 30) && !machine_coordinates_;
  const bool centered = arc && (find_word(block, plane.center_u) != nullptr ||
                                find_word(block, plane.center_v) != nullptr);
  if (!moves && !centered) return {};
  if (motion == 0 || machine_coordinates_) return add_line(end, true, step);
  if (modal_.feed <= 0) return is_new_ ? kNoFeed : kNoFeedLegacy;
  return arc ? read_arc(block, end, step) : add_line(end, false, step);
}

ProgramFault Interpreter::read_arc(const Block& block, const AxisValues& end, Step* step) {
  const Plane plane = plane_of(modal_.active(ModalGroup::Plane));
  std::size_t u = 0;
  std::size_t v = 0;
  if (!find_axis(path_, plane.u, &u) || !find_axis(path_, plane.v, &v)) return kIllegalPlane;
  const bool clockwise = modal_.active(ModalGroup::Motion) == 20;
  const double chord_u = end[u] - position_[u];
  const double chord_v = end[v] - position_[v];
  const double chord = std::hypot(chord_u, chord_v);
  const double tolerance = parameters_.real(parameter::kArcTolerance);
  double center_u = 0;
  double center_v = 0;
  if (const Word* given = find_word(block, 'R')) {
    double radius = length_of(*given, false);
    if (radius == 0 || chord == 0) return kIllegalRadius;
    if (chord > 2 * std::fabs(radius) + tolerance) return kIllegalRadius;
    radius = std::copysign(std::max(std::fabs(radius), chord / 2), radius);
    // The center lies on the perpendicular in the middle of the chord; the sign of R and the
    // sense of rotation tell on which side.
    const double height = std::sqrt(std::max(0.0, radius * radius - chord * chord / 4));
    const double side = clockwise == (radius > 0) ? -1 : 1;
    center_u = position_[u] + chord_u / 2 - side * height * chord_v / chord;
    center_v = position_[v] + chord_v / 2 + side * height * chord_u / chord;
  } else {
    const Word* to_u = find_word(block, plane.center_u);
    const Word* to_v = find_word(block, plane.center_v);
    if (to_u == nullptr && to_v == nullptr) return kNoRadius;
    center_u = position_[u] + (to_u != nullptr ? length_of(*to_u, false) : 0);
    center_v = position_[v] + (to_v != nullptr ? length_of(*to_v, false) : 0);
    const double from_start = std::hypot(position_[u] - center_u, position_[v] - center_v);
    const double from_end = std::hypot(end[u] - center_u, end[v] - center_v);
    if (from_start == 0) return kNoRadius;
    if (std::fabs(from_start - from_end) > tolerance) return kOffArc;
    if (chord > 0) {
      // Within the tolerance: the nearest center that has the same distance from both ends.
      const double along =
          ((center_u - position_[u]) * chord_u + (center_v - position_[v]) * chord_v) /
              (chord * chord) -
          0.5;
      center_u -= along * chord_u;
      center_v -= along * chord_v;
    }
  }
  const double from = std::atan2(position_[v] - center_v, position_[u] - center_u);
  const double to = std::atan2(end[v] - center_v, end[u] - center_u);
  double sweep = chord > 0 ? to - from : 0;
  if (clockwise) {
    while (sweep >= -1e-12) sweep -= 2 * kPi;
  } else {
    while (sweep <= 1e-12) sweep += 2 * kPi;
  }
  const Segment segment = make_arc(path_, position_, end, u, v, center_u, center_v, sweep);
  if (const ProgramFault fault = check_stroke(segment, step)) return fault;
  position_ = end;
  step->segments[step->segment_count++] = segment;
  return {};
}

ProgramFault Interpreter::read_dwell(const Block& block, Step* step) {
  if (const Word* seconds = find_word(block, 'X')) {
    step->dwell_s = seconds->point || parameters_.bit(parameter::kPointBits, 0)
                        ? seconds->value
                        : seconds->value / 1000;
  } else if (const Word* alike = find_word(block, 'U')) {
    step->dwell_s = alike->value;
  } else {
    step->dwell_s = word(block, 'P').value_or(0) / 1000;
  }
  step->dwell_s = std::clamp(step->dwell_s, 0.0, 99999.0);
  return {};
}

ProgramFault Interpreter::read_return(const Block& block, Step* step) {
  AxisValues end{};
  bool moves = false;
  if (const ProgramFault fault = end_point(block, false, &end, &moves)) return fault;
  if (!moves) return {};
  if (const ProgramFault fault = add_line(end, true, step)) return fault;
  for (std::size_t i = 0; i < path_.axes.size(); ++i) {
    if (find_word(block, path_.axes[i].name[0]) != nullptr) end[i] = 0;
  }
  return add_line(end, true, step);
}

ProgramFault Interpreter::set_origin(const Block& block) {
  const AxisValues offset = work_offset();
  for (std::size_t i = 0; i < path_.axes.size(); ++i) {
    const Word* word = find_word(block, path_.axes[i].name[0]);
    if (word == nullptr) continue;
    shift_[i] += position_[i] - offset[i] - length_of(*word, path_.axes[i].rotary);
  }
  return {};
}

ProgramFault Interpreter::check_stroke(const Segment& segment, Step* step) const {
  // Only where the way leads to counts: an axis beyond its limit may come back.
  AxisValues low = segment.end;
  AxisValues high = segment.end;
  if (segment.arc) {
    // The arc passes its extremes where the angle is a multiple of 90 degrees.
    const double first = std::min(segment.start_rad, segment.start_rad + segment.sweep_rad);
    const double last = std::max(segment.start_rad, segment.start_rad + segment.sweep_rad);
    for (double turn = std::ceil(first / (kPi / 2)); turn * (kPi / 2) <= last; ++turn) {
      const double pu = segment.center_u + segment.radius_mm * std::cos(turn * (kPi / 2));
      const double pv = segment.center_v + segment.radius_mm * std::sin(turn * (kPi / 2));
      low[segment.u] = std::min(low[segment.u], pu);
      high[segment.u] = std::max(high[segment.u], pu);
      low[segment.v] = std::min(low[segment.v], pv);
      high[segment.v] = std::max(high[segment.v], pv);
    }
  }
  constexpr double kTolerance = 1e-6;
  for (std::size_t i = 0; i < segment.axes; ++i) {
    const bool moves =
        segment.end[i] != segment.start[i] || (segment.arc && (i == segment.u || i == segment.v));
    const double most = parameters_.real(parameter::kStrokeHigh, i);
    const double least = parameters_.real(parameter::kStrokeLow, i);
    if (!moves || least >= most) continue;  // limits out of order switch the check off
    const bool plus = high[i] > most + kTolerance;
    if (!plus && low[i] >= least - kTolerance) continue;
    step->failed = true;
    step->alarm = {plus ? 500 : 501, kOvertravelAlarm, static_cast<int>(i + 1),
                   "(" + path_.axes[i].name + ")" + (plus ? "+" : "-") + " OVERTRAVEL ( SOFT 1 )"};
    return kOvertravel;
  }
  return {};
}

}  // namespace rise::cncsim
