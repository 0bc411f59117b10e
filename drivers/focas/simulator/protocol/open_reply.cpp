#include "drivers/focas/simulator/protocol/open_reply.hpp"

#include <initializer_list>

namespace rise::cncsim {

namespace {

using focas::wire::FrameWriter;

constexpr unsigned kMillCode = 0x204d;   // " M"
constexpr unsigned kLatheCode = 0x2054;  // " T"

void put(FrameWriter* writer, std::initializer_list<std::size_t> values) {
  for (const std::size_t value : values) writer->add_u16(static_cast<std::uint16_t>(value));
}

unsigned machine_code(const Control& control) {
  return control.personality().machine == MachineType::Mill ? kMillCode : kLatheCode;
}

// 16 + 8 * P bytes.
void write_legacy(const Control& control, FrameWriter* writer) {
  const Personality& personality = control.personality();
  const std::size_t paths = control.path_count();
  put(writer,
      {7, personality.family, personality.max_axes, personality.max_spindles, paths, paths, 0, 0});
  for (std::size_t i = 0; i < paths; ++i) {
    const PathSpec& path = control.path(i).spec();
    put(writer, {machine_code(control), 1, path.axes.size(), path.spindles.size()});
  }
}

// 40 + 32 * P bytes. Words without a known meaning are as captured from a 0i-D. The counts of the
// head are those of the first path, as in the vectors that the vendor's client accepts.
void write_new(const Control& control, FrameWriter* writer) {
  const Personality& personality = control.personality();
  const PathSpec& first = control.path(0).spec();
  const std::size_t axes = first.axes.size();
  put(writer, {6,
               personality.family,
               1,
               personality.max_axes,
               personality.max_spindles,
               personality.max_paths,
               3,
               3,
               axes,
               axes,
               first.spindles.size(),
               control.path_count(),
               1,
               0,
               1,
               0,
               0,
               0,
               0,
               0});
  for (std::size_t i = 0; i < personality.max_paths; ++i) {
    if (i >= control.path_count()) {
      for (int word = 0; word < 16; ++word) writer->add_u16(0);
      continue;
    }
    const PathSpec& path = control.path(i).spec();
    put(writer, {machine_code(control), i + 1, 0, path.axes.size(), path.axes.size(),
                 path.spindles.size(), 1, 1, 0, 0, 0, 0, 0, 0, 0, 0});
  }
}

}  // namespace

void write_open_reply(const Control& control, FrameWriter* writer) {
  if (control.personality().is_new()) {
    write_new(control, writer);
  } else {
    write_legacy(control, writer);
  }
}

}  // namespace rise::cncsim
