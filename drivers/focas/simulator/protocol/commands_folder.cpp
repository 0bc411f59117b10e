// Program directory and the folders of the program memory.
#include <algorithm>

#include "drivers/focas/simulator/protocol/commands.hpp"
#include "drivers/focas/simulator/protocol/program_guard.hpp"

namespace rise::cncsim::command {

namespace {

constexpr std::size_t kPathBytes = 256;
constexpr std::size_t kNameBytes = 36;
constexpr std::size_t kCommentBytes = 52;
constexpr std::size_t kDirectoryRecord = 72;
constexpr std::size_t kFileRecord = 128;
constexpr std::size_t kFolderRecord = 40;
constexpr std::int32_t kMostPrograms = 400;

PlaceInStore place_in(const Call& call) {
  const focas::wire::Bytes payload = call.request.payload;
  return resolve({reinterpret_cast<const char*>(payload.data()), payload.size()},
                 call.path.folder());
}

// The folder that the payload names, with or without its final '/'. False: there is none.
bool find_folder(const Call& call, std::string* folder) {
  const PlaceInStore place = place_in(call);
  *folder = place.name.empty() ? place.folder : place.folder + place.name + "/";
  return call.control.store().has_folder(*folder);
}

std::int32_t size_of(const Program& program) {
  return static_cast<std::int32_t>(program.text.size());
}

}  // namespace

// Arguments: first O number, most records, form. Always whole records; none left: no data.
Status program_directory(Call& call) {
  std::int32_t left = call.argument(1);
  const auto programs =
      call.control.store().list_numbers(call.path.folder(), std::max(1, call.argument(0)));
  for (const ProgramPtr& program : programs) {
    if (left-- <= 0 || call.answer.room() < kDirectoryRecord) break;
    const DateTime& time = program->modified;
    call.answer.put_i32(program->number);
    call.answer.put_i32(size_of(*program));
    call.answer.put_text(program->comment, kCommentBytes);
    for (const int value : {time.year, time.month, time.day, time.hour, time.minute, 0}) {
      call.answer.put_i16(value);
    }
  }
  return Status::Ok;
}

Status program_info(Call& call) {
  const ProgramStore& store = call.control.store();
  const auto count = static_cast<std::int32_t>(store.program_count());
  call.answer.put_i32(count);
  call.answer.put_i32(std::max(0, kMostPrograms - count));
  call.answer.put_i32(static_cast<std::int32_t>(store.used_bytes()));
  call.answer.put_i32(static_cast<std::int32_t>(store.limit_bytes() - store.used_bytes()));
  return Status::Ok;
}

// Names of twelve bytes.
Status drives(Call& call) {
  call.answer.put_text("CNC_MEM", 12);
  return Status::Ok;
}

// Argument: 1 foreground, 2 background; here the same.
Status current_folder(Call& call) {
  if (call.argument(0) != 1 && call.argument(0) != 2) return Status::Attribute;
  call.answer.put_text(call.path.folder(), kPathBytes);
  return Status::Ok;
}

Status folder_count(Call& call) {
  std::string folder;
  if (!find_folder(call, &folder)) return Status::Data;
  const auto entries = call.control.store().list(folder);
  const auto folders = std::count_if(entries.begin(), entries.end(),
                                     [](const FolderEntry& entry) { return entry.is_folder; });
  call.answer.put_i32(static_cast<std::int32_t>(folders));
  call.answer.put_i32(static_cast<std::int32_t>(std::ssize(entries) - folders));
  return Status::Ok;
}

// Arguments: first, most records; payload: folder.
Status folder_entries(Call& call) {
  std::string folder;
  if (!find_folder(call, &folder)) return Status::Data;
  const auto entries = call.control.store().list(folder);
  const auto first = static_cast<std::size_t>(std::max(0, call.argument(0)));
  std::int32_t left = call.argument(1);
  for (std::size_t i = first; i < entries.size(); ++i) {
    if (left-- <= 0 || call.answer.room() < kFileRecord) break;
    const FolderEntry& entry = entries[i];
    if (entry.is_folder) {
      call.answer.put_zeros(28);
      call.answer.put_text(entry.name, kNameBytes);
      call.answer.put_zeros(kCommentBytes + 12);
      continue;
    }
    const DateTime& time = entry.program->modified;
    call.answer.put_i16(1);
    for (const int value : {time.year, time.month, time.day, time.hour, time.minute, time.second}) {
      call.answer.put_i16(value);
    }
    call.answer.put_zeros(6);
    call.answer.put_i32(size_of(*entry.program));
    call.answer.put_u32(0);  // attributes
    call.answer.put_text(entry.name, kNameBytes);
    call.answer.put_text(entry.program->comment, kCommentBytes);
    call.answer.put_zeros(12);  // machining time
  }
  return Status::Ok;
}

// The same for folders only, in records of forty bytes.
Status sub_folders(Call& call) {
  std::string folder;
  if (!find_folder(call, &folder)) return Status::Data;
  std::int32_t to_skip = std::max(0, call.argument(0));
  std::int32_t left = call.argument(1);
  for (const FolderEntry& entry : call.control.store().list(folder)) {
    if (!entry.is_folder || to_skip-- > 0) continue;
    if (left-- <= 0 || call.answer.room() < kFolderRecord) break;
    call.answer.put_zeros(4);
    call.answer.put_text(entry.name, kNameBytes);
  }
  return Status::Ok;
}

Status select_main(Call& call) {
  const PlaceInStore place = place_in(call);
  ProgramPtr program = call.control.store().find(place.folder, place.name);
  if (!program) return Status::Data;
  const Status status = status_of(call.path.select(std::move(program)));
  if (status == Status::Ok) call.path.set_folder(place.folder);
  return status;
}

Status delete_file(Call& call) {
  const PlaceInStore place = place_in(call);
  const ProgramPtr program = call.control.store().find(place.folder, place.name);
  if (!program) return Status::Data;
  return remove_program(call.control, place.folder, *program);
}

}  // namespace rise::cncsim::command
