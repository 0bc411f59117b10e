// A trace in Chrome's JSON format: tracks within processes, spans and moments on them. Times are
// CLOCK_MONOTONIC.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>

namespace rise::cli {

class TraceFile {
 public:
  using Details = boost::json::object;

  void name_process(std::uint32_t process, const std::string& name);
  void name_track(std::uint32_t process, std::uint32_t track, const std::string& name);
  void span(std::uint32_t process, std::uint32_t track, const std::string& name,
            std::int64_t start_ns, std::int64_t ns, Details details = {});
  void moment(std::uint32_t process, std::uint32_t track, const std::string& name,
              std::int64_t at_ns, Details details = {});
  // False: it cannot be written.
  bool write(const std::string& path) const;

 private:
  void name(const char* kind, std::uint32_t process, std::uint32_t track, const std::string& name);
  boost::json::array events_;
};

}  // namespace rise::cli
