// `rise trace`: the flight recorder's cycles as a Chrome trace, which ui.perfetto.dev and
// chrome://tracing open; with the kernel's doings beside them if that is asked for.
#pragma once

#include <string>

namespace rise::cli {

struct TraceOptions {
  std::string region = "rise";
  std::string file = "trace.json";
  bool late_only = false;  // the ring that keeps late cycles only, and so reaches further back
  bool kernel = false;     // wait for the next late cycle, then write what surrounds it
  bool timerlat = false;   // with the kernel's tracer of that name beside
  double wait_s = 60;      // at most
  std::string crash;  // file that a core which died has left, instead of a running one's region
};
int trace(const TraceOptions& options);

}  // namespace rise::cli
