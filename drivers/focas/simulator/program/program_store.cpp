#include "drivers/focas/simulator/program/program_store.hpp"

#include <algorithm>

namespace rise::cncsim {

std::string path_folder(std::size_t index) {
  return std::string(kUserFolder) + "PATH" + std::to_string(index + 1) + "/";
}

bool ProgramStore::make_folder(const std::string& folder) {
  if (!folder.starts_with(kDrive) || !folder.ends_with('/')) return false;
  for (std::size_t end = std::string_view(kDrive).size() - 1; end != std::string::npos;
       end = folder.find('/', end + 1)) {
    folders_.try_emplace(folder.substr(0, end + 1));
  }
  return true;
}

bool ProgramStore::has_folder(const std::string& folder) const { return folders_.contains(folder); }

ProgramStore::Result ProgramStore::add(const std::string& folder, std::string_view text,
                                       const DateTime& now, bool replace,
                                       std::vector<ProgramPtr>* added) {
  const auto place = folders_.find(folder);
  if (place == folders_.end()) return Result::NoFolder;
  std::vector<ProgramPtr> programs;
  if (!split_programs(text, now, &programs)) return Result::BadText;
  std::size_t used = used_bytes_;
  for (const ProgramPtr& program : programs) {
    const auto old = place->second.find(program->name);
    if (old != place->second.end()) {
      if (!replace) return Result::Exists;
      used -= old->second->text.size();
    }
    used += program->text.size();
  }
  if (used > limit_bytes_) return Result::Full;
  for (const ProgramPtr& program : programs) {
    ProgramPtr& entry = place->second[program->name];
    if (entry) used_bytes_ -= entry->text.size();
    entry = program;
    used_bytes_ += program->text.size();
  }
  if (added != nullptr) *added = std::move(programs);
  return Result::Done;
}

ProgramStore::Result ProgramStore::remove(const std::string& folder, const std::string& name) {
  const auto place = folders_.find(folder);
  if (place == folders_.end()) return Result::NoFolder;
  const auto entry = place->second.find(name);
  if (entry == place->second.end()) return Result::NotFound;
  used_bytes_ -= entry->second->text.size();
  place->second.erase(entry);
  return Result::Done;
}

ProgramPtr ProgramStore::find(const std::string& folder, const std::string& name) const {
  const auto place = folders_.find(folder);
  if (place == folders_.end()) return nullptr;
  const auto entry = place->second.find(name);
  if (entry != place->second.end()) return entry->second;
  return find(folder, program_number(name));  // O1 is O0001
}

ProgramPtr ProgramStore::find(const std::string& folder, int number) const {
  const auto place = folders_.find(folder);
  if (place == folders_.end()) return nullptr;
  for (const auto& [name, program] : place->second) {
    if (program->number == number && number != 0) return program;
  }
  return nullptr;
}

std::vector<FolderEntry> ProgramStore::list(const std::string& folder) const {
  std::vector<FolderEntry> entries;
  const auto place = folders_.find(folder);
  if (place == folders_.end()) return entries;
  for (auto below = std::next(place); below != folders_.end(); ++below) {
    const std::string& path = below->first;
    if (!path.starts_with(folder)) break;
    const std::size_t end = path.find('/', folder.size());
    if (end + 1 != path.size()) continue;  // deeper
    entries.push_back({true, path.substr(folder.size(), end - folder.size()), nullptr});
  }
  for (const auto& [name, program] : place->second) entries.push_back({false, name, program});
  return entries;
}

std::vector<ProgramPtr> ProgramStore::list_numbers(const std::string& folder, int first) const {
  std::vector<ProgramPtr> programs;
  const auto place = folders_.find(folder);
  if (place == folders_.end()) return programs;
  for (const auto& [name, program] : place->second) {
    if (program->number != 0 && program->number >= first) programs.push_back(program);
  }
  std::sort(programs.begin(), programs.end(),
            [](const ProgramPtr& a, const ProgramPtr& b) { return a->number < b->number; });
  return programs;
}

std::size_t ProgramStore::program_count() const {
  std::size_t count = 0;
  for (const auto& [path, folder] : folders_) count += folder.size();
  return count;
}

PlaceInStore resolve(std::string_view text, const std::string& current) {
  text = text.substr(0, text.find('\0'));
  std::string whole;
  if (text.starts_with("//")) {
    whole = text;
  } else if (text.starts_with('/')) {
    whole = kDrive + std::string(text.substr(1));
  } else {
    whole = current + std::string(text);
  }
  const std::size_t slash = whole.rfind('/');
  return {whole.substr(0, slash + 1), whole.substr(slash + 1)};
}

}  // namespace rise::cncsim
