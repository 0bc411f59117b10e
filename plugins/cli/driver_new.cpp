#include "plugins/cli/driver_new.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "driver_template.hpp"
#include "plugins/cli/child.hpp"

namespace rise::cli {

namespace {

namespace fs = std::filesystem;

constexpr int kFailed = 1;
constexpr int kUsage = 64;
constexpr std::size_t kMaxName = 24;

bool word_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Every NAME by the name, also within NAME_test; but not within another word.
std::string filled_in(const std::string& text, const std::string& marker, const std::string& by) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const bool here = text.compare(at, marker.size(), marker) == 0;
    const bool before = at != 0 && (word_part(text[at - 1]) || text[at - 1] == '_');
    const std::size_t end = at + marker.size();
    const bool after = end < text.size() && word_part(text[end]);
    if (here && !before && !after) {
      out += by;
      at = end;
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string content(const TemplateFile& file, const std::string& name) {
  const std::string path = file.path;
  if (path.starts_with("sdk/")) return file.text;
  return filled_in(filled_in(file.text, "RISE_PROGRAM", program_folder() + "/rise"), "NAME", name);
}

fs::path place(const TemplateFile& file, const std::string& name) {
  const std::string path = file.path;
  if (path == "gitignore") return ".gitignore";
  return path.starts_with("sdk/") ? path : filled_in(path, "NAME", name);
}

// Files of the other kind of driver are left out; the folder of this kind is not part of a name.
constexpr const char kReads[] = "reads/";
constexpr const char kWrites[] = "writes/";

// Empty: written.
std::string write_all(const fs::path& folder, const std::string& name, bool outputs) {
  std::error_code fault;
  fs::create_directories(folder / "sdk", fault);
  if (fault) return (folder / "sdk").string() + " cannot be made: " + fault.message();
  for (TemplateFile file : kDriverTemplate) {
    const std::string kind = outputs ? kWrites : kReads;
    if (std::string(file.path).starts_with(outputs ? kReads : kWrites)) continue;
    if (std::string(file.path).starts_with(kind)) file.path += kind.size();
    const fs::path path = folder / place(file, name);
    std::ofstream out(path, std::ios::binary);
    out << content(file, name);
    out.close();
    if (!out) return path.string() + " cannot be written";
  }
  return {};
}

}  // namespace

std::string driver_name_fault(const std::string& name) {
  // It becomes a file's name, a table of the config, and the name of a core.
  static const std::set<std::string> taken = {"focas",  "telemetry", "replay", "name", "lane",
                                              "driver", "output",    "limit",  "sdk"};
  if (name.empty() || name.size() > kMaxName)
    return "a name has 1 to " + std::to_string(kMaxName) + " characters";
  if (name[0] < 'a' || name[0] > 'z') return "a name begins with a small letter, a-z";
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!plain) return "a name has a-z, 0-9 and '-' only";
  if (taken.contains(name)) return "that name means something else already";
  return {};
}

int driver_new(const DriverNewOptions& options) {
  if (const std::string why = driver_name_fault(options.name); !why.empty()) {
    std::fprintf(stderr, "rise driver new: \"%s\" cannot be used: %s\n", options.name.c_str(),
                 why.c_str());
    return kUsage;
  }
  const fs::path folder = fs::path(options.folder.empty() ? "." : options.folder) / options.name;
  std::error_code fault;
  if (fs::exists(fs::symlink_status(folder, fault))) {
    std::fprintf(stderr,
                 "rise driver new: %s is there already; nothing is overwritten: take another name, "
                 "or --dir\n",
                 folder.string().c_str());
    return kFailed;
  }
  if (const std::string why = write_all(folder, options.name, options.outputs); !why.empty()) {
    fs::remove_all(folder, fault);  // it was not there before
    std::fprintf(stderr, "rise driver new: %s\n", why.c_str());
    return kFailed;
  }
  std::printf(
      "%s: a driver for a device that answers text lines, with its test and a fake device\n"
      "  cd %s\n"
      "  make          build it\n"
      "  make test     its unit tests\n"
      "  make check    the conformance kit\n"
      "  make run      with the fake device; shows its signals\n"
      "then make it yours: %s.cpp, README.md\n",
      folder.string().c_str(), folder.string().c_str(), options.name.c_str());
  return 0;
}

}  // namespace rise::cli
