// A file as bytes, for reading. Who cuts it off meanwhile ends the reader (SIGBUS): recordings that
// are still being written only grow.
#pragma once

#include <string>
#include <utility>

#include "plugins/recorder/mcap_format.hpp"
#include "rt_core/result.hpp"

namespace rise::recorder {

class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~MappedFile();

  [[nodiscard]] Bytes bytes() const { return {static_cast<const std::uint8_t*>(base_), size_}; }

 private:
  MappedFile(void* base, std::size_t size) : base_(base), size_(size) {}
  void* base_ = nullptr;  // null: an empty file
  std::size_t size_ = 0;
};

// Likewise, and it begins as an MCAP file does; the error says so if not.
Result<MappedFile> open_recording(const std::string& path);

}  // namespace rise::recorder
