// Up to which record everything is acknowledged, in a file of two slots that are written in turn:
// whatever happens to the one that is being written, the other holds. Each lies on a page of its
// own. What cannot be read is not believed: then records come once more, and none is lost.
//
// Threads: any; calls are in order of their numbers, whoever comes late is passed over.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "plugins/store/disk.hpp"

namespace rise::store {

class Position {
 public:
  static constexpr char kName[] = "position";
  static constexpr std::size_t kSlotBytes = 32;
  static constexpr std::uint64_t kSecondSlotAt = 4096;

  // Reads it; makes it if there is none. What stands in its way is renamed. `disk` outlives this.
  explicit Position(Disk* disk);
  // As it was read. Absent: none, or both slots damaged.
  [[nodiscard]] std::optional<std::uint64_t> found() const { return found_; }
  // Empty: all is well with the file. Else what is not, a sentence.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

  // -> errno; 0 also if a larger number was stored already. Lasts over the end of the process;
  // after sync(), over a power failure.
  [[nodiscard]] int store(std::uint64_t number);
  [[nodiscard]] int sync();

 private:
  void read();
  void make(Disk* disk);

  std::mutex mutex_;
  std::shared_ptr<DiskFile> file_;  // null: it could not be made
  std::optional<std::uint64_t> found_;
  std::uint64_t stored_ = 0;
  std::uint64_t generation_ = 0;  // of the newest slot
  std::string trouble_;
};

}  // namespace rise::store
