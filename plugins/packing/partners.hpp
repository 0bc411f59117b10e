// Who is at the other end, and what of packing he understands: by what the others announce of
// themselves. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rise::packing {

inline constexpr char kDiscoveryTopic[] = "discovery/packing";
inline constexpr char kDictionaryTopic[] = "discovery/dictionary";
inline constexpr std::int64_t kAnnounce_ms = 2'000;
inline constexpr std::int64_t kForget_ms = 3 * kAnnounce_ms + 500;

struct Announcement {
  std::string name;                // differs between any two lives
  bool zstd = false;               // understands packed messages
  std::vector<std::string> reads;  // patterns
  std::vector<std::uint32_t> dictionaries;
};
std::string to_json(const Announcement& announcement);
// False: it is none.
bool from_json(std::string_view json, Announcement* announcement);

class Partners {
 public:
  static constexpr std::size_t kMost = 1'000;

  void heard(Announcement announcement, std::int64_t now_ms);
  // Of those who read this topic, and were heard of late:
  struct Reading {
    bool packed = false;      // there are some, and all understand it
    bool dictionary = false;  // and all have this one
  };
  [[nodiscard]] Reading reading(std::string_view topic, std::uint32_t dictionary,
                                std::int64_t now_ms);
  // Somebody who reads something lacks it.
  [[nodiscard]] bool anybody_lacks(std::uint32_t dictionary, std::int64_t now_ms);

 private:
  struct Partner {
    Announcement said;
    std::int64_t heard_ms = 0;
  };
  void forget(std::int64_t now_ms);
  std::map<std::string, Partner> partners_;
};

}  // namespace rise::packing
