#include "plugins/recorder/shelf.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <tuple>

namespace rise::recorder {

namespace fs = std::filesystem;

namespace {

constexpr const char* kEnding = ".mcap";
constexpr const char* kTimePattern = "00000000T000000.000Z";  // 0: any digit

// "-2" behind the time; 1 if there is nothing, 0 if it is something else.
unsigned long number_behind(const std::string& rest) {
  if (rest.empty()) return 1;
  if (rest[0] != '-' || rest.size() < 2 || rest.size() > 7) return 0;
  unsigned long number = 0;
  for (const char c : rest.substr(1)) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) return 0;
    number = number * 10 + static_cast<unsigned long>(c - '0');
  }
  return number;
}

bool has_time(const std::string& text) {
  for (std::size_t i = 0; i < std::strlen(kTimePattern); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
    if (kTimePattern[i] == '0' ? !digit : text[i] != kTimePattern[i]) return false;
  }
  return true;
}

// Time and number of a name that begins so. Absent: it is another's.
std::optional<std::pair<std::string, unsigned long>> order_of(const std::string& name,
                                                              const std::string& prefix) {
  const std::string begin = prefix + "-";
  const std::size_t time_bytes = std::strlen(kTimePattern);
  const std::size_t least = begin.size() + time_bytes + std::strlen(kEnding);
  if (name.size() < least || !name.starts_with(begin) || !name.ends_with(kEnding)) return {};
  const std::string time = name.substr(begin.size(), time_bytes);
  const unsigned long number =
      number_behind(name.substr(begin.size() + time_bytes, name.size() - least));
  if (!has_time(time) || number == 0) return {};
  return std::pair(time, number);
}

}  // namespace

std::string file_time(std::int64_t utc_ns) {
  const std::int64_t ms = std::max<std::int64_t>(utc_ns, 0) / 1'000'000;
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char date[40];
  std::strftime(date, sizeof date, "%Y%m%dT%H%M%S", &parts);
  char text[48];
  std::snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(ms % 1000));
  return text;
}

std::optional<std::uint64_t> free_bytes(const std::string& folder) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return std::nullopt;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

Result<Shelf> Shelf::open(const std::string& folder, const std::string& prefix) {
  const bool plain = std::all_of(prefix.begin(), prefix.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (prefix.empty() || !plain) {
    return Failure{"recordings cannot be named \"" + prefix + "\": use letters, digits, - _ ."};
  }
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return Failure{folder + ": no such folder; make it (mkdir -p " + folder + ") or name another"};
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return Failure{folder + ": " + std::strerror(errno) +
                   "; give this user the right to write there, or name another folder"};
  }
  // Without slashes at its end: paths are put together from it.
  std::string plain_folder = folder;
  while (plain_folder.size() > 1 && plain_folder.ends_with('/')) plain_folder.pop_back();
  return Shelf(plain_folder, prefix);
}

bool Shelf::is_ours(const std::string& name) const { return order_of(name, prefix_).has_value(); }

std::string Shelf::path_for(std::int64_t utc_ns) const {
  const std::string base = folder_ + "/" + prefix_ + "-" + file_time(utc_ns);
  std::string path = base + kEnding;
  std::error_code ignored;
  for (int i = 2; fs::exists(path, ignored) && i < 100'000; ++i) {
    path = base + "-" + std::to_string(i) + kEnding;
  }
  return path;
}

std::vector<ShelfFile> Shelf::files() const {
  std::vector<ShelfFile> found;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    std::error_code gone;
    if (!is_ours(name) || at->is_symlink(gone) || !at->is_regular_file(gone)) continue;
    const std::uint64_t bytes = at->file_size(gone);
    if (!gone) found.push_back({at->path(), name, bytes});
  }
  std::sort(found.begin(), found.end(), [this](const ShelfFile& a, const ShelfFile& b) {
    return *order_of(a.name, prefix_) < *order_of(b.name, prefix_);
  });
  return found;
}

std::uint64_t Shelf::trim(std::uint64_t max_bytes, const std::string& keep) const {
  const std::vector<ShelfFile> all = files();
  std::uint64_t sum = 0;
  for (const ShelfFile& file : all) sum += file.bytes;
  std::uint64_t removed = 0;
  const std::string kept = fs::path(keep).filename();
  for (const ShelfFile& file : all) {
    if (sum <= max_bytes) break;
    if (file.name == kept || ::unlink(file.path.c_str()) != 0) continue;
    sum -= file.bytes;
    ++removed;
  }
  return removed;
}

}  // namespace rise::recorder
