#include "drivers/focas/simulator/machine/signals.hpp"

#include <algorithm>
#include <cmath>

#include "drivers/focas/simulator/machine/path.hpp"

namespace rise::cncsim {

namespace {

using enum PmcArea;

constexpr std::size_t kG7 = 7;    // .2 ST cycle start
constexpr std::size_t kG12 = 12;  // *FV feed override, inverted
constexpr std::size_t kG14 = 14;  // .0 ROV1, .1 ROV2
constexpr std::size_t kG29 = 29;  // .6 *SSTP
constexpr std::size_t kG30 = 30;  // SOV spindle override
constexpr std::size_t kG43 = 43;  // .0 - .2 MD, .5 DNCI, .7 ZRN
constexpr std::size_t kG53 = 53;  // .0 TMRON

// G43 for each mode.
std::uint8_t mode_bits(Mode mode) {
  switch (mode) {
    case Mode::Mdi: return 0;
    case Mode::Memory: return 1;
    case Mode::Edit: return 3;
    case Mode::Handle:
    case Mode::Step: return 4;
    case Mode::Jog: return 5;
    case Mode::TeachJog: return 6;
    case Mode::TeachHandle: return 7;
    case Mode::Reference: return 0x85;
    case Mode::Remote: return 0x21;
  }
  return 1;
}

Mode mode_from(std::uint8_t bits) {
  switch (bits & 7) {
    case 0: return Mode::Mdi;
    case 1: return (bits & 0x20) != 0 ? Mode::Remote : Mode::Memory;
    case 3: return Mode::Edit;
    case 4: return Mode::Handle;
    case 5: return (bits & 0x80) != 0 ? Mode::Reference : Mode::Jog;
    case 6: return Mode::TeachJog;
    case 7: return Mode::TeachHandle;
    default: return Mode::Memory;
  }
}

void store16(Pmc* pmc, std::size_t address, std::uint32_t value) {
  pmc->set_byte(F, address, static_cast<std::uint8_t>(value));
  pmc->set_byte(F, address + 1, static_cast<std::uint8_t>(value >> 8));
}

}  // namespace

void set_initial_signals(Pmc* pmc, std::size_t paths) {
  pmc->set_bit(X, signal::kX8, signal::kEmergencyBit, true);
  for (std::size_t path = 0; path < paths; ++path) {
    const std::size_t base = path * kPmcPathStep;
    pmc->set_byte(G, base + signal::kG8, 0x31);  // *ESP, *SP, *IT: all inactive
    pmc->set_byte(G, base + kG29, 0x40);
    pmc->set_byte(G, base + signal::kG46, 0x78);
    write_feed_override(pmc, path, 100);
    write_spindle_override(pmc, path, 100);
    write_mode(pmc, path, Mode::Memory);
  }
}

Switches read_switches(const Pmc& pmc, std::size_t path) {
  const std::size_t base = path * kPmcPathStep;
  const auto g = [&](std::size_t address) { return pmc.byte(G, base + address); };
  const auto bit = [&](std::size_t address, int position) {
    return pmc.bit(G, base + address, position);
  };
  Switches switches;
  switches.emergency = !pmc.bit(X, signal::kX8, signal::kEmergencyBit) ||
                       !pmc.bit(G, signal::kG8, signal::kEmergencyBit) ||
                       !bit(signal::kG8, signal::kEmergencyBit);
  switches.hold = !bit(signal::kG8, signal::kHoldBit);
  switches.start_pressed = bit(kG7, 2);
  switches.reset_pressed = bit(signal::kG8, 7);
  switches.mode = mode_from(g(kG43));
  const int feed = 255 - g(kG12);
  switches.feed_override = feed == 255 ? 0 : feed / 100.0;  // all signals 0 count as 0 %
  constexpr double kRapid[] = {1, 0.5, 0.25, 0};
  switches.rapid_override = kRapid[g(kG14) & 3];
  const int spindle = g(kG30);
  switches.spindle_override = spindle == 255 ? 0 : spindle / 100.0;
  switches.block_skip = bit(signal::kG44, signal::kBlockSkipBit);
  switches.machine_lock = bit(signal::kG44, signal::kMachineLockBit);
  switches.single_block = bit(signal::kG46, signal::kSingleBlockBit);
  switches.dry_run = bit(signal::kG46, signal::kDryRunBit);
  switches.memory_open = bit(signal::kG46, signal::kKeyBit);
  switches.free_timer = bit(kG53, 0);
  return switches;
}

void write_mode(Pmc* pmc, std::size_t path, Mode mode) {
  pmc->set_byte(G, path * kPmcPathStep + kG43, mode_bits(mode));
}

void write_feed_override(Pmc* pmc, std::size_t path, int percent) {
  const int value = 255 - std::clamp(percent, 0, 254);
  pmc->set_byte(G, path * kPmcPathStep + kG12, static_cast<std::uint8_t>(value));
}

void write_spindle_override(Pmc* pmc, std::size_t path, int percent) {
  pmc->set_byte(G, path * kPmcPathStep + kG30,
                static_cast<std::uint8_t>(std::clamp(percent, 0, 254)));
}

bool write_rapid_override(Pmc* pmc, std::size_t path, int percent) {
  constexpr int kSteps[] = {100, 50, 25, 0};
  const auto* step = std::find(std::begin(kSteps), std::end(kSteps), percent);
  if (step == std::end(kSteps)) return false;
  const auto value = static_cast<int>(step - std::begin(kSteps));
  pmc->set_bit(G, path * kPmcPathStep + kG14, 0, (value & 1) != 0);
  pmc->set_bit(G, path * kPmcPathStep + kG14, 1, (value & 2) != 0);
  return true;
}

void write_status_signals(Pmc* pmc, std::size_t index, const Path& path) {
  const std::size_t base = index * kPmcPathStep;
  const bool running = path.run() == Run::Start;
  const bool held = path.run() == Run::Hold;
  const bool alarm = path.alarms().any();
  const bool emergency = path.switches().emergency;
  const Modal& modal = path.modal();
  const auto flags = [](std::initializer_list<std::pair<int, bool>> bits) {
    unsigned value = 0;
    for (const auto& [position, on] : bits) value |= (on ? 1u : 0u) << position;
    return static_cast<std::uint8_t>(value);
  };
  const bool automatic = running || held || path.run() == Run::Stop;
  const Mode mode = path.switches().mode;
  pmc->set_byte(F, base + 0, flags({{7, automatic}, {6, !emergency}, {5, running}, {4, held}}));
  pmc->set_byte(F, base + 1, flags({{0, alarm}, {1, emergency}, {7, !emergency}}));
  pmc->set_byte(F, base + 2,
                flags({{1, path.in_rapid()}, {6, path.in_feed()}, {7, path.switches().dry_run}}));
  pmc->set_byte(F, base + 3,
                flags({{1, mode == Mode::Handle},
                       {2, mode == Mode::Jog},
                       {3, mode == Mode::Mdi},
                       {4, mode == Mode::Remote},
                       {5, mode == Mode::Memory},
                       {6, mode == Mode::Edit}}));
  pmc->set_byte(F, base + 4,
                flags({{1, path.switches().machine_lock}, {3, path.switches().single_block}}));
  pmc->set_byte(F, base + 7, flags({{0, path.waiting_for_codes()}}));
  const auto letter = [&](char name) {
    return static_cast<std::uint32_t>(modal.letter[static_cast<std::size_t>(letter_place(name))]);
  };
  for (std::size_t i = 0; i < 4; i += 2) {
    store16(pmc, base + 10 + i, letter('M') >> (8 * i));
    store16(pmc, base + 22 + i, letter('S') >> (8 * i));
    store16(pmc, base + 26 + i, letter('T') >> (8 * i));
  }
  if (!path.spindles().empty()) {
    const Spindle& spindle = path.spindles()[0];
    const double speed = std::fabs(spindle.rpm());
    store16(pmc, base + 36,
            static_cast<std::uint32_t>(4095 * std::min(1.0, speed / spindle.spec().max_rpm)));
    store16(pmc, base + 40, static_cast<std::uint32_t>(speed));
    pmc->set_byte(F, base + 45, flags({{1, speed < 1}, {3, spindle.at_speed()}}));
  }
  unsigned home = 0;
  unsigned moving = 0;
  unsigned negative = 0;
  const AxisValues direction = path.direction();
  for (std::size_t i = 0; i < std::min<std::size_t>(8, path.spec().axes.size()); ++i) {
    const bool moves = path.speed_mm_s() > 0 && std::fabs(direction[i]) > 1e-9;
    home |= (std::fabs(path.machine_position()[i]) < 5e-4 ? 1u : 0u) << i;
    moving |= (moves ? 1u : 0u) << i;
    negative |= (moves && direction[i] < 0 ? 1u : 0u) << i;
  }
  pmc->set_byte(F, base + 94, static_cast<std::uint8_t>(home));
  pmc->set_byte(F, base + 102, static_cast<std::uint8_t>(moving));
  pmc->set_byte(F, base + 104, static_cast<std::uint8_t>(~moving));  // INP
  pmc->set_byte(F, base + 106, static_cast<std::uint8_t>(negative));
  if (index != 0) return;
  pmc->set_byte(Y, 0,
                flags({{0, !emergency && !alarm},
                       {1, modal.coolant},
                       {2, alarm || emergency},
                       {3, running},
                       {4, held}}));
}

}  // namespace rise::cncsim
