// Typed access to the shared region, for its owner (region_owner) and for those who attach to it
// (region_attach). See layout.hpp for what lies inside.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rise_generated.h"
#include "rt_core/shm/layout.hpp"

namespace rise::shm {

// One mapped file. Moves, unmaps at its end.
class Mapping {
 public:
  Mapping() = default;
  Mapping(void* base, std::size_t bytes, int fd) : base_(base), bytes_(bytes), fd_(fd) {}
  Mapping(Mapping&& other) noexcept { swap(other); }
  Mapping& operator=(Mapping&& other) noexcept {
    swap(other);
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  [[nodiscard]] char* base() const { return static_cast<char*>(base_); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] int release_fd() { return std::exchange(fd_, -1); }
  [[nodiscard]] RegionHeader* header() const { return static_cast<RegionHeader*>(base_); }

 private:
  void swap(Mapping& other) {
    std::swap(base_, other.base_);
    std::swap(bytes_, other.bytes_);
    std::swap(fd_, other.fd_);
  }
  void* base_ = nullptr;
  std::size_t bytes_ = 0;
  int fd_ = -1;
};

// What lies where in both files: a private copy, checked once. The tables in the files themselves
// are never read again; the one of `in` may be changed by anybody at any time.
struct Sections {
  std::vector<Section> out;
  std::vector<Section> in;
};

// Typed access to the sections, for owner and readers alike.
class Region {
 public:
  Region() = default;
  Region(Mapping out, Mapping in, Sections sections, bool writable)
      : out_(std::move(out)),
        in_(std::move(in)),
        sections_(std::move(sections)),
        writable_(writable) {}

  [[nodiscard]] std::uint32_t lane_count() const { return out_.header()->lane_count; }
  [[nodiscard]] RegionState state() const;
  [[nodiscard]] std::uint32_t core_pid() const { return out_.header()->core_pid; }
  [[nodiscard]] bool core_alive() const;
  [[nodiscard]] std::size_t out_bytes() const { return out_.bytes(); }
  [[nodiscard]] std::size_t in_bytes() const { return in_.bytes(); }
  // False: attached for reading only; a store into `in` would end the program.
  [[nodiscard]] bool writable() const { return writable_; }
  [[nodiscard]] const Mapping& in() const { return in_; }

  // Whole arrays of `out`. T is the message struct of that section.
  template <class T>
  [[nodiscard]] std::span<T> table(SectionKind kind) const {
    const Section* section = find(sections_.out, kind, 0);
    if (section == nullptr) return {};
    return {reinterpret_cast<T*>(out_.base() + section->offset), section->count};
  }
  // A stamped cell of States or Texts, and how many words its payload has.
  [[nodiscard]] Word* cell(SectionKind kind, std::size_t index, std::size_t* payload_words) const;
  // A ring of `out`.
  [[nodiscard]] Word* ring(SectionKind kind, std::uint32_t lane, RingShape* shape) const;
  // The command ring of a lane, in `in`.
  [[nodiscard]] Word* commands(std::uint32_t lane, RingShape* shape) const;
  [[nodiscard]] ControlBlock* control() const;
  // The low half of the stop word, for futex(2): who sets the word wakes who waits for it.
  [[nodiscard]] const std::uint32_t* stop_futex() const {
    static_assert(std::endian::native == std::endian::little);
    return reinterpret_cast<const std::uint32_t*>(&control()->stop_word);
  }
  [[nodiscard]] std::span<ReaderSlot> readers() const;

 protected:
  static const Section* find(const std::vector<Section>& sections, SectionKind kind,
                             std::uint32_t lane);
  Mapping out_;
  Mapping in_;
  Sections sections_;
  bool writable_ = false;
};

// A region's name: 1 to 32 of a-z, 0-9, '-'. Empty: fine; else what is wrong.
std::string name_fault(const std::string& name);
// The file under which a region is found.
std::string in_path(const std::string& directory, const std::string& name);

}  // namespace rise::shm
