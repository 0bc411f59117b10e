#include "tests/unit/focas_fake_control.hpp"

#include <algorithm>
#include <cstring>

#include "drivers/focas/wire/bytes.hpp"
#include "drivers/focas/wire/number.hpp"

namespace rise::test {

using namespace focas::wire;

namespace {

using Data = std::vector<std::uint8_t>;

void put_u16(Data* data, std::uint16_t value) {
  data->resize(data->size() + 2);
  store_u16(data->data() + data->size() - 2, value);
}
void put_i32(Data* data, std::int32_t value) {
  data->resize(data->size() + 4);
  store_i32(data->data() + data->size() - 4, value);
}
void put_number(Data* data, const Number& number) {
  data->resize(data->size() + 8);
  store_number(data->data() + data->size() - 8, number);
}
void put_text(Data* data, const std::string& text, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    data->push_back(static_cast<std::uint8_t>(i < text.size() ? text[i] : 0));
  }
}

// What real controls have behind their last axis.
constexpr Number kStale{0x20204d00, 10, 3};

}  // namespace

FakeControl::FakeControl(bool legacy) : version(legacy ? 2 : 4), max_axes(legacy ? 8 : 32) {
  for (auto& area : pmc) area.resize(4096);
}

std::size_t FakeControl::count(std::uint16_t command) const {
  return static_cast<std::size_t>(std::count_if(
      seen.begin(), seen.end(), [&](const Seen& s) { return s.block.command == command; }));
}

FakeControl::Frame FakeControl::open_reply() const {
  Data body;
  const std::uint16_t records = is_new() ? 10 : paths;
  const std::vector<std::uint16_t> head =
      is_new() ? std::vector<std::uint16_t>{6, 5,    1,          max_axes, 8,     records, 3,
                                            3, axes, servo_axes, spindles, paths, 1,       0,
                                            1, 0,    0,          0,        0,     0}
               : std::vector<std::uint16_t>{7, 3, max_axes, 4, records, paths, 0, 0};
  for (const std::uint16_t word : head) put_u16(&body, word);
  for (std::uint16_t i = 0; i < records; ++i) {
    const bool valid = i < paths;
    const std::uint16_t sort = lathe ? 0x2054 : 0x204d;
    const std::vector<std::uint16_t> record =
        is_new() ? std::vector<std::uint16_t>{sort, 1, 0, axes, servo_axes, spindles, 1, 1,
                                              0,    0, 0, 0,    0,          0,        0, 0}
                 : std::vector<std::uint16_t>{sort, 1, axes, spindles};
    for (const std::uint16_t word : record) put_u16(&body, valid ? word : 0);
  }
  Data memory(kHeaderBytes + body.size());
  FrameWriter writer(memory, version, FrameType::OpenReply);
  writer.add_bytes(body);
  writer.finish();
  return memory;
}

std::optional<FakeControl::Frame> FakeControl::answer(const Frame& request) {
  if (silent) return std::nullopt;
  Header header;
  read_header(request, &header);
  Data memory(kHeaderBytes + 8);
  const auto short_reply = [&](FrameType type, std::optional<Status> status) {
    FrameWriter writer(memory, version, type);
    if (status) {
      Data body(8);
      store_u16(body.data() + 2, static_cast<std::uint16_t>(*status));
      writer.add_bytes(body);
    }
    const Bytes frame = writer.finish();
    return Frame(frame.begin(), frame.end());
  };
  switch (header.type) {
    case FrameType::OpenRequest:
      if (refuse_open) return short_reply(FrameType::OpenRefused, Status::Buffer);
      ++opened;
      return open_reply();
    case FrameType::CloseRequest: ++closed; return short_reply(FrameType::CloseReply, {});
    case FrameType::DataRequest:
      requests.push_back(request);
      if (refuse_frames) return short_reply(FrameType::DataError, *refuse_frames);
      if (refuses_frame(request)) return short_reply(FrameType::DataError, Status::Reject);
      return data_reply(request);
    default: return std::nullopt;
  }
}

bool FakeControl::refuses_frame(const Frame& request) const {
  RequestReader reader(Bytes(request).subspan(kHeaderBytes));
  RequestBlock block;
  bool poisoned = false;
  while (reader.next(&block)) poisoned = poisoned || (poison != 0 && block.command == poison);
  return poisoned || reader.count() > most_blocks;
}

FakeControl::Frame FakeControl::data_reply(const Frame& request) {
  Data memory(65536);
  FrameWriter writer(memory, version, FrameType::DataReply);
  RequestReader reader(Bytes(request).subspan(kHeaderBytes));
  RequestBlock question;
  frame_blocks.push_back(reader.count());
  while (reader.next(&question)) {
    seen.push_back({question, {question.payload.begin(), question.payload.end()}});
    seen.back().block.payload = {};
    Data data;
    ReplyBlock reply;
    reply.device = question.device;
    reply.path = question.path;
    reply.command = question.command;
    const auto refused = refuse.find(question.command);
    reply.status = refused != refuse.end() ? refused->second : run(question, &data);
    if (reply.status == Status::Ok) reply.data = data;
    writer.add(reply);
  }
  const Bytes frame = writer.finish();
  return {frame.begin(), frame.end()};
}

FakeControl::Status FakeControl::run(const RequestBlock& block, Data* data) {
  if (block.device == Device::Pmc) return run_pmc(block, data);
  if (block.path < 1 || block.path > paths) return Status::Path;
  const Status status = run_state(block, data);
  return status == Status::Function ? run_table(block, data) : status;
}

FakeControl::Status FakeControl::run_state(const RequestBlock& block, Data* data) {
  const std::int32_t first = block.argument[0];
  switch (static_cast<Command>(block.command)) {
    case Command::SystemInfo: {
      put_u16(data, 0x0402);
      put_u16(data, max_axes);
      put_text(data, is_new() ? "31 MG43326.004" : "16 MBDH115.004", 14);
      return Status::Ok;
    }
    case Command::Status:
      for (const int word : {1, 3, 1, 0, 0, 0, 0}) put_u16(data, static_cast<std::uint16_t>(word));
      return Status::Ok;
    case Command::AlarmBits: {
      std::uint32_t bits = 0;
      for (const FakeAlarm& alarm : alarms[block.path]) bits |= 1u << alarm.type;
      put_i32(data, static_cast<std::int32_t>(bits));
      return Status::Ok;
    }
    case Command::AlarmMessages: put_alarms(block, data); return Status::Ok;
    case Command::ProgramNumbers:
      put_i32(data, 1234);
      put_i32(data, 1000);
      return Status::Ok;
    case Command::SequenceNumber: put_i32(data, 90); return Status::Ok;
    case Command::ProgramName:
      put_i32(data, 1234);
      put_text(data, program, 36);
      return Status::Ok;
    case Command::ActualFeed: put_number(data, {feed, 10, 0}); return Status::Ok;
    case Command::ActualSpindle: put_number(data, {3000, 10, 0}); return Status::Ok;
    case Command::SpindleData:
      for (int i = 0; i < 4; ++i) put_number(data, i < spindles ? Number{42 + i, 10, 0} : kStale);
      return Status::Ok;
    case Command::ServoLoad:
    case Command::Position: {
      const bool all = block.command == 0x56 || block.argument[1] == -1;
      const std::int32_t axis = all ? 0 : block.argument[1] - 1;
      for (std::int32_t i = axis; i < (all ? max_axes : axis + 1); ++i) {
        put_number(data,
                   i < axes ? Number{100'000 * block.path + 1000 * first + i, 10, 3} : kStale);
      }
      return Status::Ok;
    }
    case Command::AxisNames:
      for (std::uint16_t i = 0; i < axes; ++i) put_text(data, axis_names.substr(i, 1), 4);
      return Status::Ok;
    case Command::Units:
      for (std::size_t i = 0; i < max_axes; ++i) {
        put_u16(data, i < units.size() ? units[i] : 0);
        put_u16(data, i < machine_units.size() ? machine_units[i] : 0);
      }
      return Status::Ok;
    default: return Status::Function;
  }
}

FakeControl::Status FakeControl::run_table(const RequestBlock& block, Data* data) {
  const std::int32_t number = block.argument[0];
  const auto parameter = parameters.find(number);
  switch (static_cast<Command>(block.command)) {
    case Command::ReadMacro:
      for (std::int32_t i = number; i <= block.argument[1]; ++i) {
        Data& value = macros[i];
        if (value.empty()) put_number(&value, {0, 10, -1});
        data->insert(data->end(), value.begin(), value.end());
      }
      return Status::Ok;
    case Command::WriteMacro:
      if (block.payload.size() != 8) return Status::Length;
      if (!ignore_writes) macros[number].assign(block.payload.begin(), block.payload.end());
      return Status::Ok;
    case Command::ParameterInfo:
    case Command::ParameterInfo2:
      if (is_new() != (block.command == 0xa0)) return Status::Function;
      if (parameter == parameters.end()) return Status::Number;
      put_i32(data, number - 1);
      put_i32(data, number + 1);
      put_i32(data, number);
      if (is_new()) {
        put_u16(data, static_cast<std::uint16_t>(parameter->second.type));
        data->resize(28);
      } else {
        put_i32(data, parameter->second.type);
      }
      return Status::Ok;
    case Command::ReadParameter:
    case Command::ReadParameterLegacy:
      if (is_new() != (block.command == 0x8d)) return Status::Function;
      if (parameter == parameters.end()) return Status::Number;
      return put_record(parameter->second, block, data);
    case Command::WriteParameter:
    case Command::WriteParameterLegacy:
      if (is_new() != (block.command == 0x8e)) return Status::Function;
      return write_parameter(block);
    default: return Status::Function;
  }
}

FakeControl::Status FakeControl::put_record(const FakeParameter& parameter,
                                            const RequestBlock& block, Data* data) const {
  const std::int32_t axis = block.argument[2];
  const bool per_axis = parameter.values.size() > 1;
  if (!per_axis && axis > 0) return Status::Attribute;
  if (per_axis && axis == 0) return Status::Attribute;
  put_i32(data, block.argument[0]);
  put_u16(data, static_cast<std::uint16_t>(per_axis ? axis : 0));
  put_u16(data, static_cast<std::uint16_t>(parameter.type));
  for (std::size_t i = 0; i < max_axes; ++i) {
    const std::size_t at = per_axis && axis > 0 ? static_cast<std::size_t>(axis - 1) : i;
    const bool there = per_axis && axis > 0 ? i == 0 : i < parameter.values.size();
    const Number number = there ? Number{parameter.values[at], 10, parameter.decimals} : kStale;
    if (is_new()) {
      put_number(data, number);
    } else {
      put_i32(data, number.mantissa);
    }
  }
  return Status::Ok;
}

FakeControl::Status FakeControl::write_parameter(const RequestBlock& block) {
  if (block.payload.size() != 8u + (is_new() ? 8u : 4u) * max_axes) return Status::Length;
  const std::uint8_t* p = block.payload.data();
  const auto parameter = parameters.find(load_i32(p));
  if (parameter == parameters.end()) return Status::Number;
  if (load_i16(p + 6) != parameter->second.type) return Status::Attribute;
  if (ignore_writes) return Status::Ok;
  const std::int16_t axis = load_i16(p + 4);
  parameter->second.values.at(axis > 0 ? static_cast<std::size_t>(axis - 1) : 0) = load_i32(p + 8);
  if (parameter->second.type == 4) parameter->second.decimals = load_i16(p + 14);
  return Status::Ok;
}

FakeControl::Status FakeControl::run_pmc(const RequestBlock& block, Data* data) {
  const std::int32_t first = block.argument[0];
  const std::int32_t last = block.argument[1];
  if (block.argument[2] < 0 || block.argument[2] > 13) return Status::Attribute;
  auto& area = pmc[block.argument[2]];
  if (first < 0 || last < first || last >= static_cast<std::int32_t>(area.size())) {
    return Status::Number;
  }
  if (block.command == 0x8001) {
    data->assign(area.begin() + first, area.begin() + last + 1);
    return Status::Ok;
  }
  if (block.command != 0x8002) return Status::Function;
  if (block.payload.size() != static_cast<std::size_t>(last - first + 1)) return Status::Length;
  if (!ignore_writes) std::copy(block.payload.begin(), block.payload.end(), area.begin() + first);
  return Status::Ok;
}

void FakeControl::put_alarms(const RequestBlock& block, Data* data) const {
  const auto list = alarms.find(block.path);
  if (list == alarms.end()) return;
  for (const FakeAlarm& alarm : list->second) {
    put_i32(data, alarm.number);
    put_i32(data, alarm.type);
    put_i32(data, alarm.axis);
    put_i32(data, static_cast<std::int32_t>(alarm.text.size()));
    put_text(
        data, alarm.text,
        alarm_text_bytes != 0 ? alarm_text_bytes : static_cast<std::size_t>(block.argument[3]));
  }
}

}  // namespace rise::test
