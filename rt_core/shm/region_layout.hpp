// Which sections a region has and where: follows from the plan alone, so the core never has to read
// it back from a file that somebody else may write.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "rt_core/shm/layout.hpp"

namespace rise::shm {

struct RegionPlan;

// Collects the sections of one file, then knows its size.
class Layout {
 public:
  static Layout of_out(const RegionPlan& plan);
  static Layout of_in(const RegionPlan& plan);

  [[nodiscard]] std::size_t bytes() const { return end_; }
  [[nodiscard]] const std::vector<Section>& sections() const { return sections_; }
  // The magic goes in last: who finds it finds the rest, too.
  void write_header(RegionHeader* header, std::uint64_t magic, std::size_t lanes,
                    const std::string& out_path) const;

 private:
  Layout();
  void add(SectionKind kind, std::uint32_t lane, std::size_t bytes, std::size_t count,
           std::size_t element_words);
  template <class T>
  void add_table(SectionKind kind, std::size_t count);
  template <class T>
  void add_cells(SectionKind kind, std::size_t count);
  void add_ring(SectionKind kind, std::uint32_t lane, std::size_t frames,
                std::size_t payload_words);
  void add_spsc(SectionKind kind, std::uint32_t lane, std::size_t items, std::size_t payload_words);

  std::vector<Section> sections_;
  std::size_t end_;
};

constexpr std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

// The control block is the first section of every `in` of this version, whatever the plan: a core
// finds its predecessor's stop word even if the config has changed in between.
inline constexpr std::size_t kControlOffset = round_up(sizeof(RegionHeader), kSectionAlign);

// True if the section lies within a file of `total` bytes and is what its kind says.
bool section_fits(const Section& section, std::size_t total);

}  // namespace rise::shm
