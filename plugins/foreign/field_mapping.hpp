// A conversion by a table: which field of a message is where in their JSON. See README.md.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/foreign/conversion.hpp"

namespace rise::foreign {

class FieldMapping : public Conversion {
 public:
  // entries: "ours=their.path", "type.THEIRS=Ours". Throws std::invalid_argument: which, and why.
  explicit FieldMapping(const std::vector<std::string>& entries);

  std::string from(const bus::Message& raw, bus::Message* message) const override;
  [[nodiscard]] std::optional<std::string> to(const bus::Message& message) const override;

 private:
  struct Place {
    std::string ours;
    std::vector<std::string> path;
  };
  [[nodiscard]] std::string ours(const std::string& field, const std::string& theirs) const;
  [[nodiscard]] std::string theirs(const std::string& field, const std::string& ours) const;

  std::vector<Place> places_;
  bool payload_ = false;  // is mapped
  // field -> theirs -> ours
  std::map<std::string, std::map<std::string, std::string>> values_;
};

}  // namespace rise::foreign
