#include "rt_core/kit/trial.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace rise::kit {

namespace {

constexpr int kKeptFindings = 6;

template <std::size_t N>
void append(char (&list)[N], const std::string& line) {
  const std::size_t used = std::strlen(list);
  std::snprintf(list + used, N - used, "%s\n", line.c_str());
}

}  // namespace

const char* name_of(Call call) {
  constexpr const char* kNames[] = {"none",    "loading",  "configure",   "start",   "cycle",
                                    "on_open", "on_bytes", "on_closed",   "command", "safe",
                                    "stop",    "destroy",  "on_datagram", "cancel"};
  return kNames[static_cast<std::size_t>(call)];
}

std::string text(const char* format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  return line;
}

void Trial::find(const std::string& finding) {
  if (++findings_ <= kKeptFindings) append(scene->findings, finding);
}

void Trial::note(const std::string& note) { append(scene->notes, note); }

void Trial::skip(const std::string& reason) {
  skipped_ = true;
  append(scene->notes, reason);
}

void Trial::doing(const std::string& what) {
  std::snprintf(scene->doing, sizeof scene->doing, "%s", what.c_str());
}

void Trial::end() {
  if (findings_ > kKeptFindings) {
    append(scene->findings, text("and %d more like these", findings_ - kKeptFindings));
  }
  const Verdict verdict = findings_ != 0 ? Verdict::Fail : skipped_ ? Verdict::Skip : Verdict::Pass;
  scene->verdict.store(static_cast<std::uint32_t>(verdict));
}

}  // namespace rise::kit
