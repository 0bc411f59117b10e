#include "plugins/cli/doctor/doctor.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <map>

#include "plugins/cli/doctor/best_core.hpp"
#include "plugins/cli/doctor/examine.hpp"
#include "plugins/cli/doctor/look.hpp"
#include "plugins/cli/doctor/mend.hpp"
#include "plugins/cli/terminal.hpp"

namespace rise::cli {

namespace {

using Findings = std::vector<Finding>;

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

boost::json::object as_json(const Findings& findings, const Patient& patient) {
  boost::json::array list;
  for (const Finding& f : findings) {
    list.push_back({{"id", f.id},
                    {"verdict", verdict_name(f.verdict)},
                    {"found", f.found},
                    {"effect", f.effect},
                    {"why", f.why},
                    {"remedy", f.remedy},
                    {"vital", f.vital},
                    {"weight", f.weight}});
  }
  boost::json::array bars;
  for (const Bar& bar : kBars) {
    bars.push_back(
        {{"worst_us", bar.worst_us}, {"grade", std::string(1, bar.grade)}, {"whose", bar.whose}});
  }
  boost::json::object report{
      {"grade", std::string(1, grade(findings, patient))}, {"bars", bars}, {"findings", list}};
  const auto lane = lane_core(patient);
  if (lane) {
    report["lane_cpu"] = *lane;
  } else {
    report["lane_cpu"] = nullptr;
  }
  return report;
}

void print_finding(const Finding& f) {
  char name[32];
  std::snprintf(name, sizeof name, "%-7s", verdict_name(f.verdict));
  std::printf("%s  %-22s %s\n", tone(verdict_tone(f.verdict), name).c_str(), f.what.c_str(),
              f.found.c_str());
  if (!f.effect.empty()) std::printf("         effect: %s\n", f.effect.c_str());
  if (f.verdict == Verdict::Pass) return;
  std::printf("         %s\n", tone(Tone::Dim, "why:    " + f.why).c_str());
  if (!f.remedy.empty()) std::printf("         remedy: %s\n", f.remedy.c_str());
}

void print(const Findings& findings, const Patient& patient) {
  std::map<Verdict, int> count;
  for (const Finding& f : findings) {
    print_finding(f);
    ++count[f.verdict];
  }
  std::printf(
      "\ngrade %c  (A fit ... D for trials, F lacks something that real time cannot do without)\n",
      grade(findings, patient));
  std::printf("%d pass, %d warn, %d fail, %d unknown\n", count[Verdict::Pass], count[Verdict::Warn],
              count[Verdict::Fail], count[Verdict::Unknown]);
  if (!patient.wake_up)
    std::printf(
        "the lateness was not measured, so B is the best grade: rise doctor --measure 60\n");
}

// What is different now, one line for each.
void print_changes(const Findings& before, const Findings& after) {
  int changes = 0;
  for (std::size_t i = 0; i < before.size() && i < after.size(); ++i) {
    if (before[i].verdict == after[i].verdict) continue;
    ++changes;
    std::printf("%-7s -> %s  %-22s %s\n", verdict_name(before[i].verdict),
                tone(verdict_tone(after[i].verdict), verdict_name(after[i].verdict)).c_str(),
                after[i].what.c_str(), after[i].found.c_str());
  }
  if (changes == 0) std::printf("no verdict has changed\n");
}

std::vector<std::string> arguments_for(const DoctorOptions& options, const char* verb, int cpu) {
  std::vector<std::string> arguments{verb, "--cpu", std::to_string(cpu)};
  if (options.persist) arguments.emplace_back("--persist");
  if (!options.root.empty()) {
    arguments.emplace_back("--root");
    arguments.push_back(options.root);
  }
  return arguments;
}

int mend(const DoctorOptions& options, Patient patient, const Findings& before) {
  const std::string program = find_rt_tune();
  const auto cpu = lane_core(patient);
  if (program.empty() || !cpu) {
    std::fprintf(stderr, program.empty()
                             ? "rise: rt-tune is neither beside this program nor in the source "
                               "tree; nothing was changed\n"
                             : "rise: it cannot be read which cores are online; choose one with "
                               "--cpu; nothing was changed\n");
    return 1;
  }
  const int planned = run_rt_tune(program, arguments_for(options, "--dry-run", *cpu), options.json);
  if (planned != 0) {
    std::fprintf(stderr, "rise: rt-tune has made no plan; nothing was changed\n");
    return 1;
  }
  if (!options.yes) {
    if (options.json) {
      std::printf("%s\n", boost::json::serialize(as_json(before, patient)).c_str());
    } else {
      std::printf("\nnothing was changed; to do it: rise doctor --fix --yes\n");
    }
    return exit_code(before);
  }
  const int applied = run_rt_tune(program, arguments_for(options, "--apply", *cpu), options.json);
  const char grade_before = grade(before, patient);
  if (patient.wake_up) patient.wake_up = measure_wake_up(*cpu, options.measure_s);
  const Findings after = examine(patient);
  if (options.json) {
    boost::json::object report = as_json(after, patient);
    report["fix"] = boost::json::object{{"complete", applied == 0},
                                        {"grade_before", std::string(1, grade_before)}};
    std::printf("%s\n", boost::json::serialize(report).c_str());
  } else {
    std::printf("\n");
    print_changes(before, after);
    std::printf("grade %c -> %c\n", grade_before, grade(after, patient));
  }
  return applied == 0 ? exit_code(after) : 1;
}

}  // namespace

int doctor(const DoctorOptions& options) {
  Patient patient = options.root.empty() ? this_machine() : Patient{};
  patient.root = options.root;
  patient.lane_cpu = options.cpu;
  const auto lane = lane_core(patient);
  const std::vector<int> online = online_cpus(patient);
  if (options.cpu >= 0 && !contains(online, options.cpu)) {
    std::fprintf(stderr, "rise: core %d is not online; there are: %s\n", options.cpu,
                 as_text(online).c_str());
    return 1;
  }
  if (options.measure_s > 0 && options.root.empty() && lane)
    patient.wake_up = measure_wake_up(*lane, options.measure_s);
  const Findings findings = examine(patient);
  if (!options.json) {
    print(findings, patient);
  } else if (!options.fix) {
    std::printf("%s\n", boost::json::serialize(as_json(findings, patient)).c_str());
  }
  if (!options.fix) return exit_code(findings);
  if (!options.json) std::printf("\n");
  return mend(options, patient, findings);
}

}  // namespace rise::cli
