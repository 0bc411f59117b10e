#include "plugins/cli/doctor.hpp"

#include <boost/json.hpp>
#include <cstdio>

#include "plugins/cli/terminal.hpp"

namespace rise::cli {

namespace {

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::Pass: return "pass";
    case Verdict::Warn: return "warn";
    case Verdict::Fail: return "fail";
    case Verdict::Unknown: break;
  }
  return "unknown";
}

Tone verdict_tone(Verdict verdict) {
  switch (verdict) {
    case Verdict::Pass: return Tone::Good;
    case Verdict::Warn: return Tone::Warning;
    case Verdict::Fail: return Tone::Bad;
    case Verdict::Unknown: break;
  }
  return Tone::Plain;
}

void print_json(const std::vector<Finding>& findings) {
  boost::json::array list;
  for (const Finding& f : findings) {
    list.push_back({{"id", f.id},
                    {"verdict", verdict_name(f.verdict)},
                    {"found", f.found},
                    {"why", f.why},
                    {"remedy", f.remedy},
                    {"weight", f.weight}});
  }
  std::printf("%s\n",
              boost::json::serialize(boost::json::object{{"grade", std::string(1, grade(findings))},
                                                         {"findings", list}})
                  .c_str());
}

}  // namespace

int doctor(bool json) {
  const std::vector<Finding> findings = examine(this_machine());
  if (json) {
    print_json(findings);
    return exit_code(findings);
  }
  for (const Finding& f : findings) {
    char name[32];
    std::snprintf(name, sizeof name, "%-4s", verdict_name(f.verdict));
    std::printf("%s  %-22s %s\n", tone(verdict_tone(f.verdict), name).c_str(), f.what.c_str(),
                f.found.c_str());
    if (f.verdict == Verdict::Pass) continue;
    std::printf("      %s\n", tone(Tone::Dim, "why:    " + f.why).c_str());
    if (!f.remedy.empty()) std::printf("      remedy: %s\n", f.remedy.c_str());
  }
  std::printf(
      "\ngrade %c  (A fit ... D for trials, F lacks something that real time cannot do without)\n",
      grade(findings));
  return exit_code(findings);
}

}  // namespace rise::cli
