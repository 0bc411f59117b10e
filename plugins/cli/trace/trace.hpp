// `rise trace`: the flight recorder's cycles as a Chrome trace, which ui.perfetto.dev and
// chrome://tracing open.
#pragma once

#include <string>

namespace rise::cli {

struct TraceOptions {
  std::string region = "rise";
  std::string file = "trace.json";
  bool late_only = false;  // the ring that keeps late cycles only, and so reaches further back
};
int trace(const TraceOptions& options);

}  // namespace rise::cli
