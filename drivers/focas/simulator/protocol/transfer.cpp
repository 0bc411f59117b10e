#include "drivers/focas/simulator/protocol/transfer.hpp"

#include <algorithm>
#include <array>

#include "drivers/focas/simulator/protocol/program_guard.hpp"
#include "drivers/focas/wire/bytes.hpp"

namespace rise::cncsim {

namespace {

using focas::wire::Bytes;
using focas::wire::Frame;
using focas::wire::FrameType;
using focas::wire::FrameWriter;
using focas::wire::Status;

constexpr std::uint16_t kPrograms = 0;  // data type; others are tool offsets, parameters, ...

void append(Bytes frame, std::vector<std::uint8_t>* out) {
  out->insert(out->end(), frame.begin(), frame.end());
}

// Four zero bytes: the vendor's client ignores them, others look for an error code there.
void accept(FrameType type, std::uint16_t version, std::vector<std::uint8_t>* out) {
  std::array<std::uint8_t, 16> memory{};
  FrameWriter writer(memory, version, type);
  writer.add_u16(0);
  writer.add_u16(0);
  append(writer.finish(), out);
}

void refuse(FrameType type, std::uint16_t version, Status status, int detail,
            std::vector<std::uint8_t>* out) {
  std::array<std::uint8_t, 32> memory{};
  FrameWriter writer(memory, version, type);
  writer.add_u16(0);
  writer.add_u16(static_cast<std::uint16_t>(status));
  writer.add_u16(static_cast<std::uint16_t>(detail));
  writer.add_u16(0);
  append(writer.finish(), out);
}

std::string name_of(const Frame& frame) {
  const auto* text = reinterpret_cast<const char*>(frame.body.data() + 4);
  return {text, std::find(text, text + kTransferStartBytes - 4, '\0')};
}

// The programs that an upload names: "O0001-O0010" or "N:" and a program with or without folder.
std::vector<ProgramPtr> find_programs(Control& control, const std::string& name) {
  std::vector<ProgramPtr> programs;
  const std::string& folder = control.path(0).folder();
  if (name.starts_with("N:")) {
    const PlaceInStore place = resolve(name.substr(2), folder);
    if (ProgramPtr program = control.store().find(place.folder, place.name)) {
      programs.push_back(std::move(program));
    }
    return programs;
  }
  const std::size_t dash = name.find('-');
  const int first = program_number(name.substr(0, dash));
  const int last = dash == std::string::npos ? first : program_number(name.substr(dash + 1));
  if (first == 0) return programs;
  programs = control.store().list_numbers(folder, first);
  std::erase_if(programs, [&](const ProgramPtr& program) { return program->number > last; });
  return programs;
}

}  // namespace

bool refuse_transfer(FrameType type, std::uint16_t version, Status status,
                     std::vector<std::uint8_t>* out) {
  if (type != FrameType::DownloadStart && type != FrameType::UploadStart) return false;
  const bool download = type == FrameType::DownloadStart;
  refuse(download ? FrameType::DownloadRefused : FrameType::UploadRefused, version, status, 0, out);
  return true;
}

void Transfer::reset() {
  receiving_ = false;
  failed_ = Status::Ok;
  text_.clear();
}

Transfer::Result Transfer::handle(const Frame& frame, Control& control,
                                  std::vector<std::uint8_t>* out) {
  switch (frame.header.type) {
    case FrameType::DownloadStart: return start_download(frame, control, out);
    case FrameType::DownloadData: return take_data(frame, control, out);
    case FrameType::DownloadEnd: return receiving_ ? end_download(control, out) : Result::Malformed;
    case FrameType::UploadStart:
      return receiving_ ? Result::Malformed : upload(frame, control, out);
    case FrameType::UploadAcknowledge: return Result::Frames;
    case FrameType::UploadAbort: return Result::Aborted;
    default: return Result::Malformed;
  }
}

Transfer::Result Transfer::start_download(const Frame& frame, Control& control,
                                          std::vector<std::uint8_t>* out) {
  if (receiving_ || frame.body.size() != kTransferStartBytes) return Result::Malformed;
  const std::uint16_t version = control.personality().version;
  const std::string name = name_of(frame);
  folder_ = control.path(0).folder();
  if (name.starts_with("N:")) folder_ = resolve(name.substr(2), folder_).folder;
  Status status = Status::Ok;
  if (focas::wire::load_u16(frame.body.data()) != kPrograms) {
    status = Status::Function;
  } else if (!control.path(0).switches().memory_open) {
    status = Status::Protected;
  } else if (!control.store().has_folder(folder_)) {
    status = Status::Data;
  }
  if (status != Status::Ok) {
    refuse(FrameType::DownloadRefused, version, status, 0, out);
    return Result::Frames;
  }
  reset();
  receiving_ = true;
  accept(FrameType::DownloadAccepted, version, out);
  return Result::Frames;
}

Transfer::Result Transfer::take_data(const Frame& frame, Control& control,
                                     std::vector<std::uint8_t>* out) {
  if (!receiving_) return Result::Malformed;
  if (failed_ != Status::Ok) return Result::Frames;  // told already
  if (frame.body.size() > kTransferChunkBytes) {
    failed_ = Status::Length;
  } else if (text_.size() + frame.body.size() > control.store().limit_bytes()) {
    failed_ = Status::Overflow;
  } else {
    text_.append(reinterpret_cast<const char*>(frame.body.data()), frame.body.size());
    return Result::Frames;
  }
  refuse(FrameType::DownloadError, control.personality().version, failed_, 0, out);
  return Result::Frames;
}

Transfer::Result Transfer::end_download(Control& control, std::vector<std::uint8_t>* out) {
  const std::uint16_t version = control.personality().version;
  Status status = failed_;
  if (status == Status::Ok) status = store_programs(control, folder_, text_);
  reset();
  if (status == Status::Ok) {
    accept(FrameType::DownloadDone, version, out);
  } else {
    refuse(FrameType::DownloadFailed, version, status, 0, out);
  }
  return Result::Frames;
}

Transfer::Result Transfer::upload(const Frame& frame, Control& control,
                                  std::vector<std::uint8_t>* out) {
  if (frame.body.size() != kTransferStartBytes) return Result::Malformed;
  const std::uint16_t version = control.personality().version;
  if (focas::wire::load_u16(frame.body.data()) != kPrograms) {
    refuse(FrameType::UploadRefused, version, Status::Function, 0, out);
    return Result::Frames;
  }
  const std::vector<ProgramPtr> programs = find_programs(control, name_of(frame));
  if (programs.empty()) {
    refuse(FrameType::UploadRefused, version, Status::Data, 1, out);
    return Result::Frames;
  }
  accept(FrameType::UploadAccepted, version, out);
  std::string text = "\n";
  for (const ProgramPtr& program : programs) text += program->text;
  text += '%';
  std::array<std::uint8_t, focas::wire::kHeaderBytes + kTransferChunkBytes> memory;
  for (std::size_t at = 0; at < text.size(); at += kTransferChunkBytes) {
    const std::size_t n = std::min(kTransferChunkBytes, text.size() - at);
    FrameWriter writer(memory, version, FrameType::UploadData);
    writer.add_bytes({reinterpret_cast<const std::uint8_t*>(text.data()) + at, n});
    append(writer.finish(), out);
  }
  append(FrameWriter(memory, version, FrameType::UploadFinished).finish(), out);
  return Result::Frames;
}

}  // namespace rise::cncsim
