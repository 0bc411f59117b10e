#include "plugins/packing/partners.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "plugins/bus/topic.hpp"

namespace rise::packing {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostListed = 256;  // patterns, dictionaries of one

bool has(const Announcement& said, std::uint32_t dictionary) {
  return std::find(said.dictionaries.begin(), said.dictionaries.end(), dictionary) !=
         said.dictionaries.end();
}

}  // namespace

std::string to_json(const Announcement& a) {
  json::object out;
  out["name"] = a.name;
  out["accepts"] = a.zstd ? json::array{"zstd"} : json::array{};
  out["reads"] = json::array(a.reads.begin(), a.reads.end());
  out["dictionaries"] = json::array(a.dictionaries.begin(), a.dictionaries.end());
  return json::serialize(out);
}

bool from_json(std::string_view text, Announcement* a) {
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(text), error);
  const json::object* object = error ? nullptr : value.if_object();
  if (object == nullptr) return false;
  const auto list = [&](std::string_view name) {
    const json::value* found = object->if_contains(name);
    const json::array* array = found != nullptr ? found->if_array() : nullptr;
    return array != nullptr && array->size() <= kMostListed ? array : nullptr;
  };
  const json::value* name = object->if_contains("name");
  const json::array* accepts = list("accepts");
  const json::array* reads = list("reads");
  const json::array* dictionaries = list("dictionaries");
  if (name == nullptr || !name->is_string() || name->get_string().size() > 255 ||
      accepts == nullptr || reads == nullptr || dictionaries == nullptr) {
    return false;
  }
  *a = {};
  a->name = std::string(name->get_string());
  for (const json::value& what : *accepts) {
    if (what.is_string() && what.get_string() == "zstd") a->zstd = true;
  }
  for (const json::value& pattern : *reads) {
    if (!pattern.is_string() || !bus::pattern_fault(pattern.get_string()).empty()) return false;
    a->reads.emplace_back(pattern.get_string());
  }
  for (const json::value& number : *dictionaries) {
    boost::system::error_code bad;
    a->dictionaries.push_back(number.to_number<std::uint32_t>(bad));
    if (bad) return false;
  }
  return true;
}

void Partners::forget(std::int64_t now_ms) {
  std::erase_if(partners_,
                [&](const auto& partner) { return now_ms - partner.second.heard_ms > kForget_ms; });
}

void Partners::heard(Announcement announcement, std::int64_t now_ms) {
  forget(now_ms);
  // Who makes up names without end is not listened to; that is on the safe side only as long as one
  // of them does not understand: so then nothing is packed, see reading().
  if (partners_.size() >= kMost && !partners_.contains(announcement.name)) return;
  const std::string name = announcement.name;
  partners_[name] = {std::move(announcement), now_ms};
}

Partners::Reading Partners::reading(std::string_view topic, std::uint32_t dictionary,
                                    std::int64_t now_ms) {
  forget(now_ms);
  Reading out;
  if (partners_.size() >= kMost) return out;
  bool any = false;
  bool all = true;
  bool all_have = dictionary != 0;
  for (const auto& [name, partner] : partners_) {
    const Announcement& said = partner.said;
    if (std::none_of(said.reads.begin(), said.reads.end(),
                     [&](const std::string& pattern) { return bus::matches(pattern, topic); })) {
      continue;
    }
    any = true;
    all = all && said.zstd;
    all_have = all_have && has(said, dictionary);
  }
  out.packed = any && all;
  out.dictionary = out.packed && all_have;
  return out;
}

bool Partners::anybody_lacks(std::uint32_t dictionary, std::int64_t now_ms) {
  forget(now_ms);
  return std::any_of(partners_.begin(), partners_.end(), [&](const auto& partner) {
    const Announcement& said = partner.second.said;
    return said.zstd && !said.reads.empty() && !has(said, dictionary);
  });
}

}  // namespace rise::packing
