#include "plugins/redis/pipeline.hpp"

#include <hiredis/hiredis.h>

#include <array>
#include <new>

namespace rise::redis {

void Pipeline::add(std::span<const std::string_view> words) {
  // Most commands fit; the longest message has some hundred words.
  constexpr std::size_t kUsual = 64;
  std::array<const char*, kUsual> texts{};
  std::array<std::size_t, kUsual> lengths{};
  std::vector<const char*> more_texts;
  std::vector<std::size_t> more_lengths;
  const char** text = texts.data();
  std::size_t* length = lengths.data();
  if (words.size() > kUsual) {
    more_texts.resize(words.size());
    more_lengths.resize(words.size());
    text = more_texts.data();
    length = more_lengths.data();
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    text[i] = words[i].data();
    length[i] = words[i].size();
  }
  char* encoded = nullptr;
  const auto bytes = redisFormatCommandArgv(&encoded, static_cast<int>(words.size()), text, length);
  if (bytes < 0 || encoded == nullptr) throw std::bad_alloc();
  try {
    append({encoded, static_cast<std::size_t>(bytes)});
  } catch (...) {
    redisFreeCommand(encoded);
    throw;
  }
  redisFreeCommand(encoded);
}

void Pipeline::append(std::string_view encoded) {
  bytes_ += encoded;
  ends_.push_back(bytes_.size());
}

}  // namespace rise::redis
