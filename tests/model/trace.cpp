#include "tests/model/trace.hpp"

#include <cstdio>
#include <cstring>

namespace rise::model {

namespace {

const char* name_of(Operation operation) {
  switch (operation) {
    case Operation::Load: return "load";
    case Operation::Store: return "store";
    case Operation::Fence: return "fence";
    case Operation::Remark: break;
  }
  return "";
}

std::string detail(const Event& event) {
  char out[96] = "";
  if (event.operation == Operation::Store) {
    std::snprintf(out, sizeof out, "makes message %u", event.message);
  } else if (event.operation == Operation::Load && event.oldest == event.newest) {
    std::snprintf(out, sizeof out, "reads message %u", event.message);
  } else if (event.operation == Operation::Load) {
    std::snprintf(out, sizeof out, "reads message %u (could read %u to %u)", event.message,
                  event.oldest, event.newest);
  }
  return out;
}

}  // namespace

const char* name_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_consume: return "consume";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    case std::memory_order_seq_cst: return "seq_cst";
  }
  return "?";
}

std::string Trace::text() const {
  std::string out;
  char line[256];
  int number = 0;
  for (const Event& event : events_) {
    if (event.operation == Operation::Remark) {
      std::snprintf(line, sizeof line, "    %3d  %-9s %s\n", ++number, event.thread.c_str(),
                    event.location.c_str());
      out += line;
      continue;
    }
    char value[24] = "";
    if (event.operation != Operation::Fence) {
      std::snprintf(value, sizeof value, "%llu", static_cast<unsigned long long>(event.value));
    }
    const char* slash = std::strrchr(event.at.file_name(), '/');
    std::snprintf(line, sizeof line, "    %3d  %-9s %-6s %-12s %-8s %-8s %-38s %s:%u\n", ++number,
                  event.thread.c_str(), name_of(event.operation), event.location.c_str(), value,
                  name_of(event.order), detail(event).c_str(),
                  slash != nullptr ? slash + 1 : event.at.file_name(),
                  static_cast<unsigned>(event.at.line()));
    out += line;
  }
  return out;
}

}  // namespace rise::model
