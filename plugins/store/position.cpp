#include "plugins/store/position.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include "plugins/store/format.hpp"
#include "rt_core/record/crc32c.hpp"

namespace rise::store {

namespace {

constexpr char kMagic[8] = {'R', 'I', 'S', 'E', 'P', 'O', 'S', '1'};
constexpr std::size_t kCrcAt = 28;
using Slot = std::array<std::uint8_t, Position::kSlotBytes>;

struct SlotContent {
  std::uint64_t generation = 0;
  std::uint64_t number = 0;
};

std::optional<SlotContent> decode(const Slot& slot) {
  std::uint32_t crc = 0;
  std::memcpy(&crc, &slot[kCrcAt], sizeof crc);
  if (std::memcmp(slot.data(), kMagic, sizeof kMagic) != 0 ||
      crc != record::crc32c(slot.data(), kCrcAt)) {
    return std::nullopt;
  }
  SlotContent content;
  std::memcpy(&content.generation, &slot[8], sizeof content.generation);
  std::memcpy(&content.number, &slot[16], sizeof content.number);
  if (content.number > kMaxNumber / 2 || content.generation > kMaxNumber / 2) return std::nullopt;
  return content;
}

Slot encode(const SlotContent& content) {
  Slot slot{};
  std::memcpy(slot.data(), kMagic, sizeof kMagic);
  std::memcpy(&slot[8], &content.generation, sizeof content.generation);
  std::memcpy(&slot[16], &content.number, sizeof content.number);
  const std::uint32_t crc = record::crc32c(slot.data(), kCrcAt);
  std::memcpy(&slot[kCrcAt], &crc, sizeof crc);
  return slot;
}

}  // namespace

Position::Position(Disk* disk) {
  auto opened = disk->open(kName, Open::Write);
  if (opened.error != 0 && opened.error != ENOENT) {
    trouble_ = std::string("cannot read the position: ") + std::strerror(opened.error) +
               "; what is not acknowledged comes once more";
    if (disk->rename(kName, std::string(kName) + ".damaged") == 0) trouble_ += "; renamed";
  }
  file_ = opened.file;
  if (file_ == nullptr) {
    make(disk);
  } else {
    read();
  }
}

void Position::make(Disk* disk) {
  auto made = disk->open(kName, Open::Create);
  int error = made.error;
  // Its blocks are taken now: later it can be written on a full disk, too.
  const std::array<std::uint8_t, kSecondSlotAt + kSlotBytes> empty{};
  if (error == 0) error = made.file->write(0, empty);
  if (error == 0) {
    file_ = made.file;
    return;
  }
  if (made.file != nullptr) (void)disk->remove(kName);
  trouble_ = std::string("cannot write the position: ") + std::strerror(error) +
             "; after a restart, what was acknowledged comes once more";
}

void Position::read() {
  bool damaged = false;
  for (const std::uint64_t at : {std::uint64_t{0}, kSecondSlotAt}) {
    Slot slot{};
    const std::int64_t n = file_->read(at, slot);
    const auto content = n == static_cast<std::int64_t>(kSlotBytes) ? decode(slot) : std::nullopt;
    if (!content) {
      damaged = damaged || slot != Slot{};  // zeros: not written yet
    } else if (content->generation > generation_) {
      generation_ = content->generation;
      found_ = content->number;
    }
  }
  stored_ = found_.value_or(0);
  if (damaged) {
    trouble_ = found_ ? "the newer position may be damaged; some records may come once more"
                      : "the position is damaged; what is left in the log comes once more";
  }
}

int Position::store(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  if (file_ == nullptr) return EIO;
  if (number <= stored_) return 0;
  const SlotContent next{generation_ + 1, number};
  const std::uint64_t at = next.generation % 2 == 0 ? 0 : kSecondSlotAt;
  if (const int error = file_->write(at, encode(next)); error != 0) return error;
  generation_ = next.generation;
  stored_ = number;
  return 0;
}

int Position::sync() {
  const std::lock_guard lock(mutex_);
  return file_ == nullptr ? EIO : file_->sync();
}

}  // namespace rise::store
