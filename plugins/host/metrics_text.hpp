// Metrics as Prometheus reads them: its text format, version 0.0.4.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rise::host {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Names: [a-zA-Z_:][a-zA-Z0-9_:]*, with the unit last and _total for counters. Of one name the help
// is that of the first call.
class MetricsText {
 public:
  void counter(std::string_view name, std::string_view help, Labels labels, double value);
  void gauge(std::string_view name, std::string_view help, Labels labels, double value);
  struct Bucket {
    double at_most = 0;       // upper bound
    std::uint64_t count = 0;  // in this bucket alone
  };
  // `sum`: of all values.
  void histogram(std::string_view name, std::string_view help, Labels labels,
                 const std::vector<Bucket>& buckets, double sum);
  [[nodiscard]] std::string text() const;

 private:
  struct Family {
    std::string head;
    std::string samples;
  };
  Family& family(std::string_view name, std::string_view help, std::string_view type);
  static void sample(std::string* out, std::string_view name, Labels labels,
                     std::string_view last_label, double value);
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace rise::host
