// What a log needs of a folder of files. The real one is folder_disk(); tests put one in its place
// that fills up, breaks, lies, or loses its power.
//
// Errors are errno values, 0 is success: a full disk is an ordinary outcome here.
// Threads: any, several at once; but one file is written and truncated by one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rise::store {

using Bytes = std::span<const std::uint8_t>;

class DiskFile {
 public:
  virtual ~DiskFile() = default;
  // -> how many bytes there were, fewer than asked for at the file's end only; or -errno.
  [[nodiscard]] virtual std::int64_t read(std::uint64_t at, std::span<std::uint8_t> into) const = 0;
  // All of it, or an error: then any part of it may have been written.
  [[nodiscard]] virtual int write(std::uint64_t at, Bytes bytes) = 0;
  [[nodiscard]] virtual int truncate(std::uint64_t bytes) = 0;
  // fdatasync(2): what was written is on the medium, and the size that is needed to read it.
  [[nodiscard]] virtual int sync() = 0;
  [[nodiscard]] virtual std::int64_t size() const = 0;  // or -errno
};

enum class Open : std::uint8_t {
  Read,    // must be there, and be a regular file
  Write,   // the same, for both
  Create,  // made, for both; EEXIST if it was there
};

class Disk {
 public:
  virtual ~Disk() = default;
  struct Opened {
    std::shared_ptr<DiskFile> file;  // null: see error
    int error = 0;
  };
  [[nodiscard]] virtual Opened open(const std::string& name, Open how) = 0;
  // Adds the names of all that is in the folder, in no order.
  [[nodiscard]] virtual int list(std::vector<std::string>* names) = 0;
  [[nodiscard]] virtual int remove(const std::string& name) = 0;
  [[nodiscard]] virtual int rename(const std::string& from, const std::string& to) = 0;
  // fsync(2) of the folder: without it a power failure may forget which files there are.
  [[nodiscard]] virtual int sync_folder() = 0;
  [[nodiscard]] virtual const std::string& path() const = 0;  // for messages
};

// Makes the folder if it is not there, and takes it for itself with flock(2), until it is destroyed
// or the process ends in whatever way. Throws std::runtime_error with a remedy: no permission, no
// folder, or in use by somebody else.
std::unique_ptr<Disk> folder_disk(const std::string& folder);

}  // namespace rise::store
