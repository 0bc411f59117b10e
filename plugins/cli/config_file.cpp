#include "plugins/cli/config_file.hpp"

#include <sys/wait.h>

#include <boost/json.hpp>
#include <cstdio>

#include "config/schema/rise_toml.hpp"
#include "config/schema/source.hpp"
#include "default_config.hpp"
#include "plugins/cli/child.hpp"

namespace rise::cli {

namespace {

constexpr int kBadConfig = 2;

std::string in_quotes(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

// What a checking program has said.
struct Report {
  std::string program;
  int code = 127;
  std::vector<std::string> lines;

  [[nodiscard]] bool good() const { return code == 0; }
  [[nodiscard]] std::string failure() const {
    return program + " could not check the config (exit code " + std::to_string(code) + ")";
  }
};

Report run_checker(const std::string& name, const std::string& arguments) {
  Report report;
  report.program = name;
  const std::string command = in_quotes(program_folder() + "/" + name) + " " + arguments + " 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) return report;
  char line[4096];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    std::string text(line);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    report.lines.push_back(text);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) report.code = WEXITSTATUS(status);
  return report;
}

// "file:12: machine.0.name: is missing" -> parts; a line without them is the message as a whole.
boost::json::object as_json(const std::string& line) {
  boost::json::object out;
  const std::size_t colon = line.find(':');
  const std::size_t second = colon == std::string::npos ? colon : line.find(':', colon + 1);
  if (second != std::string::npos && second > colon + 1 &&
      line.find_first_not_of("0123456789", colon + 1) == second) {
    out["file"] = line.substr(0, colon);
    out["line"] = std::stoi(line.substr(colon + 1));
    const std::string rest = line.substr(second + 2);
    const std::size_t path_end = rest.find(": ");
    if (path_end != std::string::npos && rest.find(' ') > path_end) {
      out["key"] = rest.substr(0, path_end);
      out["message"] = rest.substr(path_end + 2);
    } else {
      out["message"] = rest;
    }
  } else {
    out["message"] = line;
  }
  return out;
}

void print_json(const std::vector<std::string>& faults) {
  boost::json::array list;
  for (const std::string& fault : faults) {
    if (!fault.ends_with(", nothing started")) list.push_back(as_json(fault));  // the core's sum
  }
  const boost::json::object report{{"good", faults.empty()}, {"faults", std::move(list)}};
  std::printf("%s\n", boost::json::serialize(report).c_str());
}

}  // namespace

Result<ProcessPlan> read_process_plan(const std::string& path) {
  const config::Source source = config::read_source(path, "(built-in config)", kDefaultConfig);
  if (!source.fault.empty()) return Failure{source.fault};
  std::vector<config::Problem> problems;
  const config::Document document = config::parse(source.text, &problems);
  const config::Settings settings =
      config::check(document, config::rise_toml(), config::foreign_tables(document), &problems);
  ProcessPlan plan;
  plan.region = settings.string("core.name");
  plan.simulator = settings.flag("simulator.enabled");
  plan.simulator_config = settings.string("simulator.config");
  plan.sidecar = settings.flag("sidecar.enabled");
  plan.stop_grace_ms = settings.integer("core.stop_grace_ms");
  const bool relative = !plan.simulator_config.empty() && plan.simulator_config[0] != '/';
  const std::size_t slash = path.rfind('/');
  if (relative && slash != std::string::npos) {
    plan.simulator_config = path.substr(0, slash + 1) + plan.simulator_config;
  }
  return plan;
}

int check_config(const std::string& path, bool json) {
  const Result<ProcessPlan> plan = read_process_plan(path);
  if (!plan) {
    if (json) {
      print_json({plan.error()});
    } else {
      std::fprintf(stderr, "rise: %s\n", plan.error().c_str());
    }
    return kBadConfig;
  }
  const std::string file = path.empty() ? "" : " --config " + in_quotes(path);
  std::vector<Report> reports = {run_checker("rise-core", "--check" + file)};
  if (plan->sidecar) reports.push_back(run_checker("rise-sidecar", "--check" + file));
  if (plan->simulator) {
    const bool built_in = plan->simulator_config.empty();
    reports.push_back(run_checker(
        "cncsim", "--check" + (built_in ? "" : " --config " + in_quotes(plan->simulator_config))));
    // Its good news do not say whose they are; its faults name the file.
    if (reports.back().good()) {
      for (std::string& line : reports.back().lines) {
        line.insert(
            0, "simulated controls " + (built_in ? "(built-in)" : plan->simulator_config) + ": ");
      }
    }
  }
  std::vector<std::string> faults;
  for (const Report& report : reports) {
    if (report.good()) continue;
    for (const std::string& line : report.lines) faults.push_back(line);
    if (report.lines.empty()) faults.push_back(report.failure());
  }
  if (json) {
    print_json(faults);
  } else {
    for (const Report& report : reports) {
      if (!report.good()) continue;
      for (const std::string& line : report.lines) std::printf("%s\n", line.c_str());
    }
    for (const std::string& fault : faults) std::fprintf(stderr, "%s\n", fault.c_str());
  }
  return faults.empty() ? 0 : kBadConfig;
}

}  // namespace rise::cli
