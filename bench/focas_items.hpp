// 22 items of one path, as a sweep reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "drivers/focas/wire/frame.hpp"

namespace rise::bench {

struct Item {
  focas::wire::RequestBlock block;
  std::size_t reply_bytes;  // data, at most, from a control with 32 axes
};

inline Item cnc(focas::wire::Command command, std::size_t reply_bytes, std::int32_t a = 0,
                std::int32_t b = 0) {
  Item item{{}, reply_bytes};
  item.block.command = static_cast<std::uint16_t>(command);
  item.block.argument[0] = a;
  item.block.argument[1] = b;
  return item;
}

inline std::vector<Item> items() {
  using focas::wire::Command;
  std::vector<Item> list = {
      cnc(Command::Status, 14),
      cnc(Command::AlarmBits, 4),
      cnc(Command::ProgramNumbers, 8),
      cnc(Command::SequenceNumber, 4),
      cnc(Command::BlockCount, 4),
      cnc(Command::ActualFeed, 8),
      cnc(Command::ActualSpindle, 8),
      cnc(Command::ProgramName, 40),
      cnc(Command::SpindleData, 64, 4, -1),
      cnc(Command::ServoLoad, 256, 1),
      cnc(Command::ModalOther, 8, 5),
      cnc(Command::ModalOther, 8, 21),
      cnc(Command::ModalOther, 8, 22),
      cnc(Command::ReadMacro, 8, 500, 500),
      cnc(Command::ReadMacro, 8, 501, 501),
      cnc(Command::Timer, 8, 0),
      cnc(Command::Timer, 8, 2),
      cnc(Command::ToolOffsetInfo, 8),
  };
  for (std::int32_t axis = 1; axis <= 4; ++axis) list.push_back(cnc(Command::Position, 8, 4, axis));
  return list;
}

}  // namespace rise::bench
