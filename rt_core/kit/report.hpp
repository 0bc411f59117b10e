// What was found, for people as it comes, or as one JSON object at the end.
#pragma once

#include <string>
#include <vector>

#include "rt_core/kit/runner.hpp"

namespace rise::kit {

struct ReportHead {
  std::string file;
  std::string config;
  std::string dialog;
  Identity identity;
  std::uint64_t seed = 1;
};

class Report {
 public:
  Report(ReportHead head, bool json);
  void add(const Outcome& outcome);
  // -> whether nothing was found.
  bool end();

  static void not_loadable(const std::string& file, const std::string& fault, bool json);

 private:
  [[nodiscard]] std::string replay(const Outcome& outcome) const;
  ReportHead head_;
  bool json_;
  std::vector<Outcome> outcomes_;
};

}  // namespace rise::kit
