#include "plugins/host/metrics_text.hpp"

#include <charconv>
#include <cmath>

namespace rise::host {

namespace {

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return {text, error == std::errc() ? end : text};
}

void escape(std::string* out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\n') {
      *out += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) *out += '\\';
    *out += c;
  }
}

}  // namespace

MetricsText::Family& MetricsText::family(std::string_view name, std::string_view help,
                                         std::string_view type) {
  const auto found = families_.find(name);
  if (found != families_.end()) return found->second;
  Family fresh;
  fresh.head.append("# HELP ").append(name).append(" ");
  escape(&fresh.head, help, false);
  fresh.head.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  return families_.emplace(name, std::move(fresh)).first->second;
}

void MetricsText::sample(std::string* out, std::string_view name, Labels labels,
                         std::string_view last_label, double value) {
  out->append(name);
  if (labels.size() != 0 || !last_label.empty()) {
    *out += '{';
    for (const auto& [key, text] : labels) {
      if (out->back() != '{') *out += ',';
      out->append(key).append("=\"");
      escape(out, text, true);
      *out += '"';
    }
    if (!last_label.empty()) {
      if (out->back() != '{') *out += ',';
      out->append("le=\"").append(last_label).append("\"");
    }
    *out += '}';
  }
  out->append(" ").append(number_text(value)).append("\n");
}

void MetricsText::counter(std::string_view name, std::string_view help, Labels labels,
                          double value) {
  sample(&family(name, help, "counter").samples, name, labels, {}, value);
}

void MetricsText::gauge(std::string_view name, std::string_view help, Labels labels, double value) {
  sample(&family(name, help, "gauge").samples, name, labels, {}, value);
}

void MetricsText::histogram(std::string_view name, std::string_view help, Labels labels,
                            const std::vector<Bucket>& buckets, double sum) {
  Family& of = family(name, help, "histogram");
  std::uint64_t count = 0;
  for (const Bucket& bucket : buckets) {
    count += bucket.count;
    if (std::isinf(bucket.at_most)) continue;
    sample(&of.samples, std::string(name) + "_bucket", labels, number_text(bucket.at_most),
           static_cast<double>(count));
  }
  sample(&of.samples, std::string(name) + "_bucket", labels, "+Inf", static_cast<double>(count));
  sample(&of.samples, std::string(name) + "_sum", labels, {}, sum);
  sample(&of.samples, std::string(name) + "_count", labels, {}, static_cast<double>(count));
}

std::string MetricsText::text() const {
  std::string out;
  for (const auto& [name, of] : families_) out.append(of.head).append(of.samples);
  return out;
}

}  // namespace rise::host
