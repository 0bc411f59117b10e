#include "rt_core/kit/report.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace rise::kit {

namespace {

std::string in_quotes(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned char>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string list(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += (out.empty() ? "" : ", ") + in_quotes(line);
  return "[" + out + "]";
}

const char* word(Verdict verdict) {
  return verdict == Verdict::Pass ? "pass" : verdict == Verdict::Fail ? "fail" : "skip";
}

std::size_t count(const std::vector<Outcome>& outcomes, Verdict verdict) {
  return static_cast<std::size_t>(
      std::count_if(outcomes.begin(), outcomes.end(),
                    [&](const Outcome& outcome) { return outcome.verdict == verdict; }));
}

}  // namespace

Report::Report(ReportHead head, bool json) : head_(std::move(head)), json_(json) {
  if (json_) return;
  std::printf("%s: driver %s %s, ABI %s, %s, seed %llu\n", head_.file.c_str(),
              head_.identity.name.c_str(), head_.identity.version.c_str(),
              head_.identity.abi.c_str(),
              head_.config.empty() ? "its defaults" : head_.config.c_str(),
              static_cast<unsigned long long>(head_.seed));
}

std::string Report::replay(const Outcome& outcome) const {
  return "rise driver check " + head_.file +
         (head_.config.empty() ? "" : " --config " + head_.config) +
         (head_.dialog.empty() ? "" : " --dialog " + head_.dialog) + " --only " + outcome.check +
         " --seed " + std::to_string(head_.seed);
}

void Report::add(const Outcome& outcome) {
  outcomes_.push_back(outcome);
  if (json_) return;
  const bool colour = ::isatty(STDOUT_FILENO) != 0;
  const bool failed = outcome.verdict == Verdict::Fail;
  std::printf("%s%-4s%s  %-14s %s\n", colour ? (failed ? "\033[31m" : "\033[32m") : "",
              failed ? "FAIL" : word(outcome.verdict), colour ? "\033[0m" : "",
              outcome.check.c_str(), outcome.text.c_str());
  for (const std::string& line : outcome.findings) std::printf("      - %s\n", line.c_str());
  for (const std::string& line : outcome.notes) std::printf("      %s\n", line.c_str());
  if (failed) std::printf("      again: %s\n", replay(outcome).c_str());
  std::fflush(stdout);
}

bool Report::end() {
  const std::size_t failed = count(outcomes_, Verdict::Fail);
  const std::size_t passed = count(outcomes_, Verdict::Pass);
  const std::size_t skipped = count(outcomes_, Verdict::Skip);
  if (!json_) {
    std::printf("%zu passed, %zu failed, %zu skipped\n", passed, failed, skipped);
    return failed == 0;
  }
  std::string checks;
  for (const Outcome& outcome : outcomes_) {
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.2f", outcome.seconds);
    checks += (checks.empty() ? "" : ", ") + std::string("{\"check\": ") +
              in_quotes(outcome.check) + ", \"verdict\": \"" + word(outcome.verdict) +
              "\", \"findings\": " + list(outcome.findings) +
              ", \"notes\": " + list(outcome.notes) + ", \"seconds\": " + seconds +
              ", \"again\": " + in_quotes(replay(outcome)) + "}";
  }
  std::printf(
      "{\"file\": %s, \"driver\": %s, \"version\": %s, \"abi\": %s, \"seed\": %llu, "
      "\"loadable\": true, \"passed\": %zu, \"failed\": %zu, \"skipped\": %zu, "
      "\"checks\": [%s]}\n",
      in_quotes(head_.file).c_str(), in_quotes(head_.identity.name).c_str(),
      in_quotes(head_.identity.version).c_str(), in_quotes(head_.identity.abi).c_str(),
      static_cast<unsigned long long>(head_.seed), passed, failed, skipped, checks.c_str());
  return failed == 0;
}

void Report::not_loadable(const std::string& file, const std::string& fault, bool json) {
  if (json) {
    std::printf("{\"file\": %s, \"loadable\": false, \"fault\": %s}\n", in_quotes(file).c_str(),
                in_quotes(fault).c_str());
  } else {
    std::fprintf(stderr, "rise driver check: %s\n", fault.c_str());
  }
}

}  // namespace rise::kit
