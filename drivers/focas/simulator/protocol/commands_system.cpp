// System, status, clock, software operator's panel, timers.
#include <algorithm>
#include <cmath>

#include "drivers/focas/simulator/protocol/commands.hpp"
#include "drivers/focas/simulator/spec/random.hpp"

namespace rise::cncsim::command {

namespace {

// The seven words that all forms of the status have in common.
void put_status(Call& call) {
  const Path& path = call.path;
  const bool motion = path.moving();
  call.answer.put_i16(static_cast<int>(path.switches().mode));
  call.answer.put_i16(static_cast<int>(path.run()));
  call.answer.put_i16(motion ? 1 : (path.in_dwell() ? 2 : 0));
  call.answer.put_i16(path.waiting_for_codes() ? 1 : 0);
  call.answer.put_i16(path.switches().emergency ? 1 : 0);
  call.answer.put_i16(path.alarms().any() ? 1 : 0);
  call.answer.put_i16(0);  // nothing is being edited
}

constexpr int kRapidSteps[] = {100, 50, 25, 0};

}  // namespace

Status system_info(Call& call) {
  const Personality& personality = call.control.personality();
  const auto axes = static_cast<unsigned>(call.path.spec().axes.size());
  call.answer.put_u16(personality.add_info);
  call.answer.put_u16(personality.max_axes);
  call.answer.put_text(personality.cnc_type, 2);
  call.answer.put_text(personality.machine == MachineType::Mill ? " M" : " T", 2);
  call.answer.put_text(personality.series, 4);
  call.answer.put_text(personality.software, 4);
  const char digits[] = {static_cast<char>('0' + axes / 10), static_cast<char>('0' + axes % 10)};
  call.answer.put_text({digits, 2}, 2);
  return Status::Ok;
}

Status axis_count_legacy(Call& call) {
  const auto axes = static_cast<unsigned>(call.path.spec().axes.size());
  call.answer.put_u16(axes);
  call.answer.put_u16(axes);
  return Status::Ok;
}

Status cnc_id(Call& call) {
  Random random(call.control.spec().seed);
  for (int i = 0; i < 4; ++i) call.answer.put_u32(static_cast<std::uint32_t>(random.next()));
  return Status::Ok;
}

Status status(Call& call) {
  put_status(call);
  return Status::Ok;
}

Status status_extended(Call& call) {
  put_status(call);
  call.answer.put_zeros(8);  // warning, 3-D check, extended option, restart
  return Status::Ok;
}

Status status_handwheel(Call& call) {
  call.answer.put_u16(0);
  return Status::Ok;
}

Status tool_mode(Call& call) {
  call.answer.put_u16(0);
  return Status::Ok;
}

Status operation_mode(Call& call) {
  call.answer.put_i16(static_cast<int>(call.path.switches().mode));
  call.answer.put_zeros(6);
  return Status::Ok;
}

Status figure(Call& call) {
  const std::int32_t kind = call.argument(0);
  if (kind < 0 || kind > 4) return Status::Attribute;
  const int decimals = call.control.spec().decimals;
  const bool per_axis = kind == 0 || kind == 3;
  const std::size_t count = per_axis ? call.path.spec().axes.size() : 1;
  call.answer.put_i32(static_cast<std::int32_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    call.answer.put_i16(kind == 4 ? 0 : decimals);
    call.answer.put_i16(kind == 4 ? 0 : decimals);
  }
  return Status::Ok;
}

Status read_clock(Call& call) {
  if (call.argument(0) != 0 && call.argument(0) != 1) return Status::Attribute;
  const DateTime now = call.control.date_time();
  for (const int value : {now.year, now.month, now.day, now.hour, now.minute, now.second}) {
    call.answer.put_i16(value);
  }
  return Status::Ok;
}

// Only the selected half of the payload means anything.
Status write_clock(Call& call) {
  const focas::wire::Bytes payload = call.request.payload;
  if (payload.size() != 12) return Status::Length;
  const auto field = [&](std::size_t index) {
    return static_cast<int>(focas::wire::load_u16(payload.data() + 2 * index));
  };
  DateTime time = call.control.date_time();
  if (call.argument(0) == 0) {
    time.year = field(0);
    time.month = field(1);
    time.day = field(2);
  } else if (call.argument(0) == 1) {
    time.hour = field(3);
    time.minute = field(4);
    time.second = field(5);
  } else {
    return Status::Attribute;
  }
  if (!is_valid(time)) return Status::Data;
  call.control.set_clock(to_seconds(time));
  return Status::Ok;
}

// 13 words in the order of the API's structure, whatever the mask selects: mode, handle axis,
// handle multiplier, rapid (0: 100 %, 1: 50, 2: 25, 3: F0), jog, feed (steps of 10 %), spindle
// (steps of 10 %, 0 = 50 %), block skip, single block, machine lock, dry run, memory key, hold.
Status read_panel(Call& call) {
  const Switches& switches = call.path.switches();
  const auto* rapid = std::find(std::begin(kRapidSteps), std::end(kRapidSteps),
                                static_cast<int>(std::lround(switches.rapid_override * 100)));
  const long spindle = std::lround(switches.spindle_override * 10) - 5;
  call.answer.put_i16(static_cast<int>(switches.mode));
  call.answer.put_zeros(4);
  call.answer.put_i16(static_cast<int>(rapid - std::begin(kRapidSteps)));
  call.answer.put_zeros(2);
  call.answer.put_i16(static_cast<int>(std::lround(switches.feed_override * 10)));
  call.answer.put_i16(static_cast<int>(std::max(0L, spindle)));
  call.answer.put_u16(switches.block_skip ? 1 : 0);
  call.answer.put_u16(switches.single_block ? 1 : 0);
  call.answer.put_u16(switches.machine_lock ? 1 : 0);
  call.answer.put_u16(switches.dry_run ? 1 : 0);
  call.answer.put_u16(switches.memory_open ? 0 : 1);
  call.answer.put_u16(switches.hold ? 1 : 0);
  return Status::Ok;
}

// The same words as in read_panel; bit n of the mask selects word n.
Status write_panel(Call& call) {
  constexpr std::size_t kWords = 13;
  const focas::wire::Bytes payload = call.request.payload;
  if (payload.size() < 2 * kWords) return Status::Length;
  Pmc& pmc = call.control.pmc();
  const std::size_t path = call.path.index();
  const std::size_t base = path * kPmcPathStep;
  for (std::size_t word = 0; word < kWords; ++word) {
    if ((call.argument(0) >> word & 1) == 0) continue;
    const int value = focas::wire::load_i16(payload.data() + 2 * word);
    if (value < 0) return Status::Data;
    const bool on = value != 0;
    switch (word) {
      case 0: {
        if (value > 10 || value == 2) return Status::Data;
        write_mode(&pmc, path, static_cast<Mode>(value));
        break;
      }
      case 3: {
        if (value > 3) return Status::Data;
        write_rapid_override(&pmc, path, kRapidSteps[value]);
        break;
      }
      case 5: write_feed_override(&pmc, path, value * 10); break;
      case 6: write_spindle_override(&pmc, path, 50 + value * 10); break;
      case 7: pmc.set_bit(PmcArea::G, base + signal::kG44, signal::kBlockSkipBit, on); break;
      case 8: pmc.set_bit(PmcArea::G, base + signal::kG46, signal::kSingleBlockBit, on); break;
      case 9: pmc.set_bit(PmcArea::G, base + signal::kG44, signal::kMachineLockBit, on); break;
      case 10: pmc.set_bit(PmcArea::G, base + signal::kG46, signal::kDryRunBit, on); break;
      case 11: pmc.set_bit(PmcArea::G, base + signal::kG46, signal::kKeyBit, !on); break;
      case 12: pmc.set_bit(PmcArea::G, base + signal::kG8, signal::kHoldBit, !on); break;
      default: break;  // handle and jog move nothing here
    }
  }
  call.control.signals_changed();
  return Status::Ok;
}

Status start(Call& call) { return status_of(call.path.start()); }

Status reset(Call& call) {
  call.path.reset();
  return Status::Ok;
}

Status ethernet_info(Call& call) {
  call.answer.put_zeros(4);  // embedded, port 0
  return Status::Ok;
}

Status timer(Call& call) {
  const std::int32_t kind = call.argument(0);
  if (kind < 0 || kind >= static_cast<std::int32_t>(Timers::kCount)) return Status::Attribute;
  const auto which = static_cast<Timer>(kind);
  call.answer.put_i32(call.path.timers().minutes(which));
  call.answer.put_i32(call.path.timers().milliseconds(which));
  return Status::Ok;
}

}  // namespace rise::cncsim::command
