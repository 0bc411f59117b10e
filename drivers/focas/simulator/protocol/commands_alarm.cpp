// Alarms and operator messages.
#include <algorithm>

#include "drivers/focas/simulator/protocol/commands.hpp"

namespace rise::cncsim::command {

namespace {

constexpr std::size_t kMessageText = 256;
constexpr std::size_t kMessageBytes = 12 + kMessageText;

void put_message(Call& call, std::size_t type) {
  const OperatorMessage& message = call.control.messages()[type];
  call.answer.put_i32(message.number == 0 ? -1 : message.number);
  call.answer.put_i32(static_cast<std::int32_t>(type));
  call.answer.put_i32(static_cast<std::int32_t>(std::min(message.text.size(), kMessageText)));
  call.answer.put_text(message.text, kMessageText);
}

// All messages that there are, at most `left`; a whole record if there is none.
void put_messages(Call& call, std::int32_t left) {
  for (std::size_t i = 0; i < Control::kMessages; ++i) {
    if (call.control.messages()[i].number == 0) continue;
    if (left-- <= 0 || call.answer.room() < kMessageBytes) break;
    put_message(call, i);
  }
  if (call.answer.size() == 0) put_message(call, 0);
}

}  // namespace

Status alarm_bits(Call& call) {
  call.answer.put_u32(call.path.alarms().bits());
  return Status::Ok;
}

// Arguments: type (-1: all), most records, any, length of the text.
Status alarm_messages(Call& call) {
  constexpr std::int32_t kLongestText = 64;
  const std::int32_t type = call.argument(0);
  const std::int32_t width = call.argument(3);
  if (type < -1 || width < 0 || width > kLongestText) return Status::Attribute;
  const auto text = static_cast<std::size_t>(width);
  std::int32_t left = call.argument(1);
  for (const Alarm& alarm : call.path.alarms().list()) {
    if (type != -1 && alarm.type != type) continue;
    if (left-- <= 0 || call.answer.room() < 16 + text) break;
    call.answer.put_i32(alarm.number);
    call.answer.put_i32(alarm.type);
    call.answer.put_i32(alarm.axis);
    call.answer.put_i32(static_cast<std::int32_t>(std::min(alarm.text.size(), text)));
    call.answer.put_text(alarm.text, text);
  }
  return Status::Ok;
}

// Argument: type (-1: all). Without a message the number is -1: the client expects a whole record
// always.
Status operator_message(Call& call) {
  const std::int32_t type = call.argument(0);
  if (type == -1) {
    put_messages(call, static_cast<std::int32_t>(Control::kMessages));
    return Status::Ok;
  }
  if (type < 0 || type >= static_cast<std::int32_t>(Control::kMessages)) return Status::Attribute;
  put_message(call, static_cast<std::size_t>(type));
  return Status::Ok;
}

// Arguments: 0, type (-1: all), most records.
Status operator_messages_new(Call& call) {
  const std::int32_t type = call.argument(1);
  if (type < -1 || type >= static_cast<std::int32_t>(Control::kMessages)) return Status::Attribute;
  if (type >= 0) {
    put_message(call, static_cast<std::size_t>(type));
    return Status::Ok;
  }
  put_messages(call, std::max(1, call.argument(2)));
  return Status::Ok;
}

}  // namespace rise::cncsim::command
