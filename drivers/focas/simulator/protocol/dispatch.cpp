#include "drivers/focas/simulator/protocol/dispatch.hpp"

#include "drivers/focas/simulator/protocol/commands.hpp"
#include "drivers/focas/wire/bytes.hpp"

namespace rise::cncsim {

namespace {

using focas::wire::Bytes;
using focas::wire::Device;
using focas::wire::FrameType;
using focas::wire::FrameWriter;
using focas::wire::ReplyBlock;
using focas::wire::RequestBlock;
using focas::wire::RequestReader;
using focas::wire::Status;

constexpr CommandRow kCncCommands[] = {
    {0x0001, command::start},
    {0x0002, command::reset},
    {0x0003, command::search},
    {0x0005, command::remove_number},
    {0x0006, command::program_directory},
    {0x0007, command::program_info},
    {0x0008, command::read_tool_offset},
    {0x0009, command::write_tool_offset},
    {0x000a, command::tool_offset_info},
    {0x000b, command::read_work_offset},
    {0x000e, command::read_parameter, Offered::LegacyOnly},
    {0x000f, command::write_parameter, Offered::LegacyOnly},
    {0x0010, command::parameter_info},
    {0x0011, command::not_known},
    {0x0015, command::read_macro},
    {0x0016, command::write_macro},
    {0x0017, command::macro_info},
    {0x0018, command::system_info},
    {0x0019, command::status},
    {0x001a, command::alarm_bits},
    {0x001b, command::figure},
    {0x001c, command::program_numbers},
    {0x001d, command::sequence_number},
    {0x001f, command::rewind},
    {0x0020, command::executing_text},
    {0x0021, command::modal_g},
    {0x0022, command::modal_other},
    {0x0023, command::alarm_messages},
    {0x0024, command::actual_feed},
    {0x0025, command::actual_spindle},
    {0x0026, command::position},
    {0x0029, command::read_parameter, Offered::LegacyOnly},
    {0x002b, command::parameter_info},
    {0x0030, command::diagnosis, Offered::LegacyOnly},
    {0x0034, command::operator_message},
    {0x0035, command::block_count},
    {0x0037, command::write_mdi},
    {0x0038, command::mdi_pointer},
    {0x0040, command::spindle_data},
    {0x0045, command::read_clock},
    {0x0046, command::write_clock},
    {0x0047, command::tool_group_id},
    {0x0048, command::not_known},
    {0x004a, command::tool_group_count},
    {0x004d, command::tool_number},
    {0x004f, command::not_known},
    {0x0056, command::servo_load},
    {0x0057, command::operation_mode},
    {0x005d, command::read_panel},
    {0x005e, command::write_panel},
    {0x0061, command::not_known},
    {0x0067, command::not_known},
    {0x006c, command::not_known},
    {0x0075, command::not_known},
    {0x0088, command::units},
    {0x0089, command::axis_names},
    {0x008a, command::spindle_names},
    {0x008b, command::tool_life},
    {0x008c, command::axis_count_legacy, Offered::LegacyOnly},
    {0x008d, command::read_parameter, Offered::NewOnly},
    {0x008e, command::write_parameter, Offered::NewOnly},
    {0x0090, command::read_parameter, Offered::NewOnly},
    {0x0093, command::diagnosis, Offered::NewOnly},
    {0x0096, command::g_codes},
    {0x0097, command::command_values},
    {0x0098, command::tool_mode},
    {0x00a0, command::parameter_info_2, Offered::NewOnly},
    {0x00a2, command::not_known},
    {0x00a3, command::display_flags, Offered::NewOnly},
    {0x00a4, command::counts, Offered::NewOnly},
    {0x00a7, command::read_macro_double},
    {0x00a8, command::write_macro_double},
    {0x00ae, command::drives},
    {0x00b0, command::current_folder},
    {0x00b2, command::sub_folders},
    {0x00b3, command::folder_entries},
    {0x00b4, command::folder_count},
    {0x00b6, command::delete_file},
    {0x00b9, command::main_program_path},
    {0x00ba, command::select_main},
    {0x00cf, command::program_name},
    {0x00d0, command::operator_messages_new, Offered::NewOnly},
    {0x00e1, command::status_handwheel},
    {0x00e2, command::status_extended},
    {0x00e8, command::cnc_id},
    {0x00fc, command::program_path},
    {0x0118, command::not_known},
    {0x0120, command::timer},
    {0x014b, command::not_known},
    {0x0159, command::ethernet_info},
    {0x01c4, command::not_known},
    {0x02c5, command::reset},
};

constexpr CommandRow kPmcCommands[] = {
    {0x8001, command::pmc_read},
    {0x8002, command::pmc_write},
    {0x8003, command::not_known},
};

constexpr std::size_t kCommandSpace = 0x2c6;

// Handler by command number, for one generation of controls.
using Handlers = std::array<Handler, kCommandSpace>;

constexpr Handlers make_handlers(bool new_ones, bool legacy_ones) {
  Handlers handlers{};
  for (const CommandRow& row : kCncCommands) {
    if (row.offered == Offered::NewOnly && !new_ones) continue;
    if (row.offered == Offered::LegacyOnly && !legacy_ones) continue;
    handlers[row.command] = row.handler;
  }
  return handlers;
}

constexpr Handlers kNewHandlers = make_handlers(true, false);
constexpr Handlers kLegacyHandlers = make_handlers(false, true);
// The vendor's client speaks both to legacy controls of family 2.
constexpr Handlers kMixedHandlers = make_handlers(true, true);

const Handlers& handlers_of(const Personality& personality) {
  if (personality.is_new()) return kNewHandlers;
  return personality.family == 2 ? kMixedHandlers : kLegacyHandlers;
}

Handler find_handler(const RequestBlock& block, const Personality& personality) {
  if (block.device == Device::Cnc && block.command < kCommandSpace) {
    return handlers_of(personality)[block.command];
  }
  if (block.device != Device::Pmc) return nullptr;
  for (const CommandRow& row : kPmcCommands) {
    if (row.command == block.command) return row.handler;
  }
  return nullptr;
}

bool is_sound(Bytes body) {
  RequestReader reader(body);
  RequestBlock block;
  while (reader.next(&block)) {
  }
  return reader.fault() == focas::wire::Fault::None;
}

// A public client (pyfanuc, parameter information) puts a number into the payload length of blocks
// that have no payload, and real controls do not mind. Sets these lengths to 0 in *body. False:
// there was no such block.
bool mend_payload_lengths(std::span<std::uint8_t> body) {
  constexpr std::size_t kPayloadLength = 24;
  bool mended = false;
  for (std::size_t at = 2; at + focas::wire::kRequestBlockBytes <= body.size();) {
    const std::size_t length = focas::wire::load_u16(body.data() + at);
    if (length < focas::wire::kRequestBlockBytes) return false;
    std::uint8_t* place = body.data() + at + kPayloadLength;
    if (length == focas::wire::kRequestBlockBytes && focas::wire::load_u32(place) != 0) {
      focas::wire::store_u32(place, 0);
      mended = true;
    }
    at += length;
  }
  return mended;
}

}  // namespace

std::span<const CommandRow> cnc_commands() { return kCncCommands; }
std::span<const CommandRow> pmc_commands() { return kPmcCommands; }

Status Dispatcher::run(const RequestBlock& block, const ForcedError& error) {
  if (error.active && (error.command < 0 || error.command == block.command)) return error.status;
  const Handler handler = find_handler(block, control_.personality());
  if (handler == nullptr) return Status::Function;
  std::size_t path = block.path == 0 ? 0 : block.path - 1u;
  if (block.device == Device::Pmc) path = 0;  // the PLC is one for all paths
  if (path >= control_.path_count()) return Status::Path;
  Call call{control_, control_.path(path), block, answer_};
  const Status status = handler(call);
  return answer_.overflow() ? Status::Length : status;
}

DataResult Dispatcher::answer(Bytes body, const ForcedError& error, Bytes* reply) {
  const std::uint16_t version = control_.personality().version;
  const std::size_t limit = focas::wire::largest_reply(version);
  // The whole frame is checked first: no part of a malformed one is carried out.
  if (!is_sound(body)) {
    mended_.assign(body.begin(), body.end());
    if (!mend_payload_lengths(mended_) || !is_sound(mended_)) return DataResult::Malformed;
    body = mended_;
  }
  RequestReader reader(body);
  RequestBlock block;
  const std::size_t count = reader.count();
  // Each block still to come needs room for its fixed part, with an error status if need be.
  std::size_t used = focas::wire::kHeaderBytes + 2;
  if (used + count * focas::wire::kReplyBlockBytes > limit) {
    FrameWriter failure(frame_, version, FrameType::DataError);
    failure.add_u16(0);
    failure.add_u16(static_cast<std::uint16_t>(Status::Length));
    failure.add_u16(0);
    failure.add_u16(0);
    *reply = failure.finish();
    return DataResult::TooMany;
  }
  const std::span<std::uint8_t> memory = std::span(frame_).first(limit);
  FrameWriter writer(memory, version, FrameType::DataReply);
  std::size_t to_come = count;
  while (reader.next(&block)) {
    answer_.clear(limit - used - to_come * focas::wire::kReplyBlockBytes);
    --to_come;
    ReplyBlock out;
    out.device = block.device;
    out.path = block.path;
    out.command = block.command;
    out.status = run(block, error);
    out.detail[0] = answer_.detail[0];
    out.detail[1] = answer_.detail[1];
    const bool more = out.status == Status::Length && !answer_.overflow();
    if (out.status == Status::Ok || more) out.data = answer_.data();
    used += focas::wire::kReplyBlockBytes + out.data.size();
    writer.add(out);
  }
  if (count == 0) writer.add_u16(0);
  *reply = writer.finish();
  return DataResult::Reply;
}

namespace command {

Status not_known(Call&) { return Status::Function; }

}  // namespace command

}  // namespace rise::cncsim
