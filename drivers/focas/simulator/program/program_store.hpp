// The program memory: folders with programs. "//CNC_MEM/USER/PATH1/" holds the programs of path 1.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/focas/simulator/program/program.hpp"

namespace rise::cncsim {

inline constexpr char kDrive[] = "//CNC_MEM/";
inline constexpr char kUserFolder[] = "//CNC_MEM/USER/";

// The folder that path `index` (from 0) works in: "//CNC_MEM/USER/PATH1/".
std::string path_folder(std::size_t index);

struct FolderEntry {
  bool is_folder = false;
  std::string name;
  ProgramPtr program;  // of a file
};

class ProgramStore {
 public:
  enum class Result { Done, NoFolder, NotFound, Exists, Full, BadText };

  explicit ProgramStore(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Makes the folder and those above it. False: not below kDrive.
  bool make_folder(const std::string& folder);
  [[nodiscard]] bool has_folder(const std::string& folder) const;

  // Puts all programs of `text` into the folder, or none of them.
  Result add(const std::string& folder, std::string_view text, const DateTime& now, bool replace,
             std::vector<ProgramPtr>* added);
  Result remove(const std::string& folder, const std::string& name);

  // nullptr: not there.
  [[nodiscard]] ProgramPtr find(const std::string& folder, const std::string& name) const;
  [[nodiscard]] ProgramPtr find(const std::string& folder, int number) const;

  // Folders first, then programs, each in the order of their names.
  [[nodiscard]] std::vector<FolderEntry> list(const std::string& folder) const;
  // Programs with an O number >= first, in that order.
  [[nodiscard]] std::vector<ProgramPtr> list_numbers(const std::string& folder, int first) const;

  [[nodiscard]] std::size_t program_count() const;
  [[nodiscard]] std::size_t used_bytes() const { return used_bytes_; }
  [[nodiscard]] std::size_t limit_bytes() const { return limit_bytes_; }

 private:
  using Folder = std::map<std::string, ProgramPtr>;
  std::map<std::string, Folder> folders_;
  std::size_t limit_bytes_;
  std::size_t used_bytes_ = 0;
};

// A name from the wire against a working folder: "//CNC_MEM/USER/PATH1/O1" is absolute, "O1" is
// in `current`, "SUB/O1" is below it. -> folder with its final '/', and the rest.
struct PlaceInStore {
  std::string folder;
  std::string name;  // empty: the folder itself was named
};
PlaceInStore resolve(std::string_view text, const std::string& current);

}  // namespace rise::cncsim
