#include "plugins/packing/dictionaries.hpp"

#define ZDICT_STATIC_LINKING_ONLY
#include <zdict.h>
#include <zstd.h>

#include <algorithm>

namespace rise::packing {

namespace {

constexpr int kLevel = 3;

}  // namespace

std::shared_ptr<const Dictionary> Dictionary::of(std::string bytes) {
  if (bytes.empty() || bytes.size() > kMaxDictionaryBytes) return nullptr;
  const unsigned number = ZDICT_getDictID(bytes.data(), bytes.size());
  if (number == 0) return nullptr;
  std::shared_ptr<Dictionary> out(new Dictionary);
  out->bytes_ = std::move(bytes);
  out->number_ = number;
  out->packing_ = ZSTD_createCDict(out->bytes_.data(), out->bytes_.size(), kLevel);
  out->unpacking_ = ZSTD_createDDict(out->bytes_.data(), out->bytes_.size());
  if (out->packing_ == nullptr || out->unpacking_ == nullptr) return nullptr;
  return out;
}

Dictionary::~Dictionary() {
  ZSTD_freeCDict(static_cast<ZSTD_CDict*>(packing_));
  ZSTD_freeDDict(static_cast<ZSTD_DDict*>(unpacking_));
}

bool Dictionaries::add(std::string bytes) {
  auto dictionary = Dictionary::of(std::move(bytes));
  if (dictionary == nullptr) return false;
  const std::lock_guard lock(mutex_);
  std::erase_if(all_, [&](const auto& other) { return other->number() == dictionary->number(); });
  if (all_.size() >= kMost) all_.erase(all_.begin());
  all_.push_back(std::move(dictionary));
  return true;
}

std::shared_ptr<const Dictionary> Dictionaries::find(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  for (const auto& dictionary : all_) {
    if (dictionary->number() == number) return dictionary;
  }
  return nullptr;
}

std::vector<std::uint32_t> Dictionaries::numbers() const {
  std::vector<std::uint32_t> out;
  const std::lock_guard lock(mutex_);
  for (const auto& dictionary : all_) out.push_back(dictionary->number());
  return out;
}

void Trainer::add(std::string_view sample) {
  if (sample.empty() || sample.size() > kSampleBytes || ready()) return;
  samples_ += sample;
  sizes_.push_back(sample.size());
}

std::shared_ptr<const Dictionary> Trainer::train() {
  std::string bytes(kBytes, '\0');
  const std::size_t size =
      ZDICT_trainFromBuffer(bytes.data(), bytes.size(), samples_.data(), sizes_.data(),
                            static_cast<unsigned>(sizes_.size()));
  samples_.clear();
  sizes_.clear();
  if (ZDICT_isError(size) != 0) return nullptr;
  bytes.resize(size);
  return Dictionary::of(std::move(bytes));
}

}  // namespace rise::packing
