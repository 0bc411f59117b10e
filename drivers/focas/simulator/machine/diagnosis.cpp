#include "drivers/focas/simulator/machine/diagnosis.hpp"

#include <cmath>

namespace rise::cncsim {

namespace {

using T = DiagnosisType;
using S = ParameterScope;

constexpr double kLoopGain_s = 30;           // 1/s, parameter 1825 = 3000
constexpr double kPulses_mm = 1000;          // detection unit 1 um
constexpr double kRevolution_pulses = 4096;  // of the position coder

double zero(const Path&, std::size_t) { return 0; }
double waits_for_codes(const Path& path, std::size_t) { return path.waiting_for_codes() ? 1 : 0; }
double moves(const Path& path, std::size_t) { return path.moving() ? 1 : 0; }
double dwells(const Path& path, std::size_t) { return path.in_dwell() ? 1 : 0; }
double override_zero(const Path& path, std::size_t) {
  return path.switches().feed_override <= 0 ? 1 : 0;
}
double emergency(const Path& path, std::size_t) { return path.switches().emergency ? 1 : 0; }
double reset_state(const Path& path, std::size_t) { return path.run() == Run::Reset ? 1 : 0; }

double speed_of(const Path& path, std::size_t axis) {
  return path.direction()[axis] * path.speed_mm_s();
}
double lag(const Path& path, std::size_t axis) {
  return speed_of(path, axis) / kLoopGain_s * kPulses_mm;
}
double machine(const Path& path, std::size_t axis) { return path.machine_position()[axis]; }
double motor_c(const Path& path, std::size_t axis) { return path.cutting().motor_c(axis); }
double coder_c(const Path& path, std::size_t axis) { return path.cutting().coder_c(axis); }
double spindle_c(const Path& path, std::size_t index) {
  return index == 0 ? path.cutting().spindle_c() : 0;
}
double spindle_load(const Path& path, std::size_t index) {
  return index == 0 ? path.cutting().spindle_load_percent() : 0;
}
double spindle_rpm(const Path& path, std::size_t index) {
  return std::fabs(path.spindles()[index].rpm());
}
double spindle_pulses(const Path& path, std::size_t index) {
  return std::fabs(path.spindles()[index].rpm()) / 60 * kRevolution_pulses / 1000;
}
// 980, 981: first and second axis in 0.0001 mm, as a wire EDM with a 160i was seen to have them.
double fine_position(const Path& path, std::size_t axis) {
  return axis < path.spec().axes.size() ? path.machine_position()[axis] * 10000 : 0;
}
double first_fine(const Path& path, std::size_t) { return fine_position(path, 0); }
double second_fine(const Path& path, std::size_t) { return fine_position(path, 1); }

constexpr DiagnosisRow kRows[] = {
    {0, T::Bit, S::Common, waits_for_codes},  // waiting for FIN
    {1, T::Bit, S::Common, moves},            // motion
    {2, T::Bit, S::Common, dwells},           // dwell
    {3, T::Bit, S::Common, zero},             // in-position check
    {4, T::Bit, S::Common, override_zero},    // feed override 0 %
    {5, T::Bit, S::Common, zero},             // interlock
    {6, T::Bit, S::Common, zero},             // waiting for the spindle to arrive
    {10, T::Bit, S::Common, zero},            // punching
    {20, T::Bit, S::Common, emergency},       // emergency stop, reset
    {21, T::Bit, S::Common, reset_state},
    {200, T::Bits, S::Axis, zero},  // servo alarms
    {201, T::Bits, S::Axis, zero},
    {202, T::Bits, S::Axis, zero},
    {203, T::Bits, S::Axis, zero},
    {204, T::Bits, S::Axis, zero},
    {300, T::TwoWord, S::Axis, lag},   // servo error, detection units
    {301, T::Real, S::Axis, machine},  // machine position
    {302, T::Real, S::Axis, zero},     // from the dog to the reference point
    {308, T::Byte, S::Axis, motor_c},  // servo motor temperature, degC
    {309, T::Byte, S::Axis, coder_c},  // pulse coder temperature, degC
    {352, T::Word, S::Axis, zero},
    {360, T::TwoWord, S::Axis, machine},
    {403, T::Byte, S::Spindle, spindle_c},     // spindle motor temperature, degC
    {410, T::Word, S::Spindle, spindle_load},  // load meter, %
    {411, T::TwoWord, S::Spindle, spindle_rpm},
    {417, T::TwoWord, S::Spindle, spindle_pulses},
    {418, T::TwoWord, S::Spindle, zero},
    {445, T::TwoWord, S::Spindle, zero},
    {980, T::TwoWord, S::Common, first_fine},
    {981, T::TwoWord, S::Common, second_fine},
};

}  // namespace

std::span<const DiagnosisRow> diagnosis_rows() { return kRows; }

}  // namespace rise::cncsim
