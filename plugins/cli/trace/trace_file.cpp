#include "plugins/cli/trace/trace_file.hpp"

#include <fstream>

namespace rise::cli {

void TraceFile::name(const char* kind, std::uint32_t process, std::uint32_t track,
                     const std::string& name) {
  events_.push_back(
      {{"ph", "M"}, {"name", kind}, {"pid", process}, {"tid", track}, {"args", {{"name", name}}}});
}

void TraceFile::name_process(std::uint32_t process, const std::string& text) {
  name("process_name", process, 0, text);
}

void TraceFile::name_track(std::uint32_t process, std::uint32_t track, const std::string& text) {
  name("thread_name", process, track, text);
}

void TraceFile::span(std::uint32_t process, std::uint32_t track, const std::string& name,
                     std::int64_t start_ns, std::int64_t ns, Details details) {
  boost::json::object event{{"ph", "X"},
                            {"name", name},
                            {"pid", process},
                            {"tid", track},
                            {"ts", static_cast<double>(start_ns) / 1000},
                            {"dur", static_cast<double>(ns) / 1000}};
  if (!details.empty()) event["args"] = std::move(details);
  events_.push_back(std::move(event));
}

void TraceFile::moment(std::uint32_t process, std::uint32_t track, const std::string& name,
                       std::int64_t at_ns, Details details) {
  boost::json::object event{{"ph", "i"},    {"s", "t"},
                            {"name", name}, {"pid", process},
                            {"tid", track}, {"ts", static_cast<double>(at_ns) / 1000}};
  if (!details.empty()) event["args"] = std::move(details);
  events_.push_back(std::move(event));
}

bool TraceFile::write(const std::string& path) const {
  std::ofstream file(path);
  file << boost::json::serialize(
              boost::json::object{{"displayTimeUnit", "ns"}, {"traceEvents", events_}})
       << "\n";
  file.flush();
  return static_cast<bool>(file);
}

}  // namespace rise::cli
