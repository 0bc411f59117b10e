#include "plugins/cli/config_file.hpp"

#include <sys/wait.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "config/schema/rise_toml.hpp"
#include "default_config.hpp"
#include "plugins/cli/child.hpp"

namespace rise::cli {

namespace {

constexpr int kBadConfig = 2;

Result<std::string> read_text(const std::string& path) {
  if (path.empty()) return std::string(kDefaultConfig);
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return Failure{path + " cannot be read: " + std::strerror(errno)};
  return text.str();
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

// Runs a checking program and collects its lines. -> its exit code.
int run_checker(const std::string& name, const std::string& arguments,
                std::vector<std::string>* lines) {
  const std::string command = quoted(program_folder() + "/" + name) + " " + arguments + " 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) return 127;
  char line[4096];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    std::string text(line);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    lines->push_back(text);
  }
  const int status = ::pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
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

}  // namespace

Result<ProcessPlan> read_process_plan(const std::string& path) {
  const Result<std::string> text = read_text(path);
  if (!text) return Failure{text.error()};
  std::vector<config::Problem> problems;
  const config::Document document = config::parse(*text, &problems);
  const config::Settings settings =
      config::check(document, config::rise_toml(), config::driver_tables(document), &problems);
  ProcessPlan plan;
  plan.region = settings.string("core.name");
  plan.simulator = settings.flag("simulator.enabled");
  plan.simulator_config = settings.string("simulator.config");
  plan.sidecar = settings.flag("sidecar.enabled");
  plan.heartbeat_ms = settings.integer("sidecar.heartbeat_ms");
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
    std::fprintf(stderr, "rise: %s\n", plan.error().c_str());
    return kBadConfig;
  }
  std::vector<std::string> lines;
  const std::string file = path.empty() ? "" : " --config " + quoted(path);
  int code = run_checker("rise-core", "--check" + file, &lines);
  if (plan->simulator) {
    const std::string controls =
        plan->simulator_config.empty() ? "" : " --config " + quoted(plan->simulator_config);
    const int simulator_code = run_checker("cncsim", "--check" + controls, &lines);
    if (code == 0) code = simulator_code;
  }
  if (json) {
    boost::json::array faults;
    for (const std::string& line : lines) {
      if (code != 0) faults.push_back(as_json(line));
    }
    std::printf("%s\n",
                boost::json::serialize(boost::json::object{{"good", code == 0}, {"faults", faults}})
                    .c_str());
  } else {
    for (const std::string& line : lines)
      std::fprintf(code == 0 ? stdout : stderr, "%s\n", line.c_str());
  }
  return code == 0 ? 0 : kBadConfig;
}

}  // namespace rise::cli
