// The files of one recorder in a folder: their names, and how much room they take. It knows its own
// by their names, and touches no other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rt_core/result.hpp"

namespace rise::recorder {

struct ShelfFile {
  std::string path;
  std::string name;  // sorts by the time in it
  std::uint64_t bytes = 0;
};

class Shelf {
 public:
  // The folder exists and can be written; the error says what to do if not. `prefix`: what its
  // files begin with; a-z, A-Z, 0-9, '-', '_', '.'.
  static Result<Shelf> open(const std::string& folder, const std::string& prefix);

  // "<folder>/<prefix>-20260131T235959.123Z.mcap": UTC. With "-2" and so on behind the time if
  // there is one of that name.
  [[nodiscard]] std::string path_for(std::int64_t utc_ns) const;
  [[nodiscard]] bool is_ours(const std::string& name) const;
  // Those that are there, the oldest first.
  [[nodiscard]] std::vector<ShelfFile> files() const;
  // Removes the oldest ones until all together take no more than so many bytes. `keep`: a path that
  // stays in any case. -> how many were removed
  [[nodiscard]] std::uint64_t trim(std::uint64_t max_bytes, const std::string& keep) const;
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  Shelf(std::string folder, std::string prefix)
      : folder_(std::move(folder)), prefix_(std::move(prefix)) {}
  std::string folder_;
  std::string prefix_;
};

// "20260131T235959.123Z".
std::string file_time(std::int64_t utc_ns);
// Bytes that are free for us on the disk of that folder. Absent: nobody knows.
std::optional<std::uint64_t> free_bytes(const std::string& folder);

}  // namespace rise::recorder
