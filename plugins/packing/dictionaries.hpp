// Dictionaries of zstd: what small messages have in common, so that it need not be sent with each.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace rise::packing {

inline constexpr std::size_t kMaxDictionaryBytes = 64u << 10u;

// Immutable; any thread.
class Dictionary {
 public:
  // Null: they are no dictionary, or none that we take.
  static std::shared_ptr<const Dictionary> of(std::string bytes);
  ~Dictionary();
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;

  [[nodiscard]] std::uint32_t number() const { return number_; }  // in it, and in what it packs
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] const void* for_unpacking() const { return unpacking_; }  // a ZSTD_DDict
  [[nodiscard]] const void* for_packing() const { return packing_; }      // a ZSTD_CDict, level 3

 private:
  Dictionary() = default;
  std::string bytes_;
  std::uint32_t number_ = 0;
  void* packing_ = nullptr;
  void* unpacking_ = nullptr;
};

// Those of others. Any thread.
class Dictionaries {
 public:
  static constexpr std::size_t kMost = 16;  // the oldest goes first

  // False: it is none.
  bool add(std::string bytes);
  [[nodiscard]] std::shared_ptr<const Dictionary> find(std::uint32_t number) const;
  [[nodiscard]] std::vector<std::uint32_t> numbers() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const Dictionary>> all_;
};

// Collects samples until there are enough, then trains. One thread at a time.
class Trainer {
 public:
  static constexpr std::size_t kSamples = 2'000;
  static constexpr std::size_t kSampleBytes = 2'048;  // larger ones gain little
  static constexpr std::size_t kBytes = 16u << 10u;   // of the dictionary

  void add(std::string_view sample);
  [[nodiscard]] bool ready() const { return sizes_.size() >= kSamples; }
  // Takes some ten ms. Null: nothing can be learned from them. Then it begins anew.
  std::shared_ptr<const Dictionary> train();

 private:
  std::string samples_;
  std::vector<std::size_t> sizes_;
};

}  // namespace rise::packing
