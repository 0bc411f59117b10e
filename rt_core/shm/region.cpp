#include "rt_core/shm/region.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "rt_core/shm/process.hpp"

namespace rise::shm {

std::string name_fault(const std::string& name) {
  const bool good =
      !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
      });
  return good ? "" : "region name \"" + name + "\": use 1 to 32 of a-z, 0-9 and '-'";
}

std::string in_path(const std::string& directory, const std::string& name) {
  return directory + "/rise." + name + ".in";
}

Mapping::~Mapping() {
  if (base_ != nullptr) ::munmap(base_, bytes_);
  if (fd_ >= 0) ::close(fd_);
}

RegionState Region::state() const {
  std::atomic_ref<std::uint32_t> state(out_.header()->state);
  return static_cast<RegionState>(state.load(std::memory_order_acquire));
}

bool Region::core_alive() const {
  return alive({out_.header()->core_pid, out_.header()->core_start_time});
}

const Section* Region::find(const std::vector<Section>& sections, SectionKind kind,
                            std::uint32_t lane) {
  for (const Section& section : sections) {
    if (section.kind == kind && section.lane == lane) return &section;
  }
  return nullptr;
}

Word* Region::cell(SectionKind kind, std::size_t index, std::size_t* payload_words) const {
  const Section* section = find(sections_.out, kind, 0);
  if (section == nullptr || index >= section->count) return nullptr;
  *payload_words = section->element_words;
  return reinterpret_cast<Word*>(out_.base() + section->offset) +
         index * StampedCell<Hardware>::words(section->element_words);
}

Word* Region::ring(SectionKind kind, std::uint32_t lane, RingShape* shape) const {
  const Section* section = find(sections_.out, kind, lane);
  if (section == nullptr) return nullptr;
  *shape = {section->count, section->element_words};
  return reinterpret_cast<Word*>(out_.base() + section->offset);
}

Word* Region::commands(std::uint32_t lane, RingShape* shape) const {
  const Section* section = find(sections_.in, SectionKind::Commands, lane);
  if (section == nullptr) return nullptr;
  *shape = {section->count, section->element_words};
  return reinterpret_cast<Word*>(in_.base() + section->offset);
}

ControlBlock* Region::control() const {
  const Section* section = find(sections_.in, SectionKind::Control, 0);
  return section == nullptr ? nullptr
                            : reinterpret_cast<ControlBlock*>(in_.base() + section->offset);
}

std::span<ReaderSlot> Region::readers() const {
  const Section* section = find(sections_.in, SectionKind::Readers, 0);
  if (section == nullptr) return {};
  return {reinterpret_cast<ReaderSlot*>(in_.base() + section->offset), section->count};
}

}  // namespace rise::shm
