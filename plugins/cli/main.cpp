// rise: the command line.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "plugins/cli/bus_verbs.hpp"
#include "plugins/cli/child.hpp"
#include "plugins/cli/command.hpp"
#include "plugins/cli/config_file.hpp"
#include "plugins/cli/doctor/doctor.hpp"
#include "plugins/cli/driver_new.hpp"
#include "plugins/cli/play.hpp"
#include "plugins/cli/record_verbs.hpp"
#include "plugins/cli/reload.hpp"
#include "plugins/cli/run.hpp"
#include "plugins/cli/top.hpp"
#include "plugins/cli/trace/trace.hpp"

namespace {

using namespace rise::cli;
using rise::message::CommandKind;

void add_region(CLI::App* command, std::string* region) {
  command->add_option("-r,--region", *region, "region of the core ([core] name)")
      ->capture_default_str();
}

// A verb behind which all options are those of another program.
CLI::App* add_prefix(CLI::App* app, const char* verb, const char* help) {
  CLI::App* command = app->add_subcommand(verb, help);
  command->set_help_flag();
  command->set_help_all_flag();
  command->prefix_command();
  return command;
}

// Becomes that program. Returns only if it cannot.
int become(const std::string& program, std::vector<std::string> words) {
  std::vector<char*> arguments = {const_cast<char*>(program.c_str())};
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  std::perror(program.c_str());
  return 1;
}

void add_program(CLI::App* app, const char* verb, const char* help, const std::string& name,
                 int* code) {
  CLI::App* command = add_prefix(app, verb, help);
  command->callback([=] { *code = become(program_folder() + "/" + name, command->remaining()); });
}

// The latency scripts: of an installed package, or of the tree in which this program was built.
void add_bench(CLI::App* app, int* code) {
  CLI::App* command = add_prefix(
      app, "bench", "measure latencies beside cyclictest; compare, report, soak (bench/latency)");
  command->callback([=] {
    for (const char* where : {"/../lib/rise/scripts/latency", "/../../../scripts/latency"}) {
      const std::string program = program_folder() + where;
      if (::access(program.c_str(), X_OK) != 0) continue;
      // What is measured are the programs beside this one.
      ::setenv("OUT", (program_folder() + "/..").c_str(), 1);
      ::setenv("RISE_PROGRAM", "rise bench", 1);
      *code = become(program, command->remaining());
      return;
    }
    std::fprintf(stderr,
                 "rise bench: the latency scripts are neither in ../lib/rise beside this program "
                 "nor in the source tree; call scripts/latency where they are\n");
    *code = 1;
  });
}

// The subcommands of `rise plugin`.
void add_plugin(CLI::App* app, std::string* name, int* code) {
  CLI::App* plugin = app->add_subcommand("plugin", "what the sidecar can do");
  plugin->require_subcommand(1);
  CLI::App* describe = plugin->add_subcommand("describe", "print what may be set of a plugin");
  describe->add_option("name", *name, "of the plugin, or the path of its .so")->required();
  describe->callback([=] {
    *code = become(program_folder() + "/rise-sidecar", {"--describe", *name});
  });
}

// A lane's recording goes through the core, which is another program's work.
void add_replay(CLI::App* app, int* code) {
  CLI::App* command =
      add_prefix(app, "replay",
                 "play a lane's recording through the core: is it all as it was then? Or an MCAP "
                 "file as lines of JSON");
  command->callback([=] {
    const std::vector<std::string> words = command->remaining();
    *code = names_mcap(words) ? play(words) : become(program_folder() + "/rise-replay", words);
  });
}

struct CommandVerb {
  const char* name;
  const char* help;
  CommandKind kind;
};
constexpr CommandVerb kCommandVerbs[] = {
    {"arm", "arm a machine: from now on it takes set-points", CommandKind::Arm},
    {"disarm", "disarm a machine", CommandKind::Disarm},
    {"reset", "leave the tripped state, when its cause is gone", CommandKind::Reset},
    {"hold", "hold the feed of a machine", CommandKind::FeedHold},
};

struct ReloadOptions {
  std::string region = "rise";
  std::string name;
};

// The subcommands of `rise driver`: what an integrator does with a driver of his own.
void add_driver(CLI::App* app, DriverNewOptions* fresh, ReloadOptions* reload, int* code) {
  CLI::App* driver = app->add_subcommand("driver", "make a driver of your own, and check it");
  driver->require_subcommand(1);
  CLI::App* make = driver->add_subcommand("new", "write a folder with a driver that works");
  make->add_option("name", fresh->name, "of the driver: a-z, 0-9, '-'")->required();
  make->add_option("--dir", fresh->folder, "where to make the folder (default: here)");
  make->add_flag("--outputs", fresh->outputs, "one that also writes: commands, the safe state");
  make->callback([=] { *code = driver_new(*fresh); });
  add_program(driver, "check", "run a driver through the conformance kit", "rise-driver-check",
              code);
  CLI::App* again = driver->add_subcommand(
      "reload", "a running core loads a driver anew, while its lanes run; no machine may be armed");
  add_region(again, &reload->region);
  again->add_option("name", reload->name, "of the driver, or of one machine")->required();
  again->callback([=] { *code = rise::cli::reload(reload->region, reload->name); });
}

void add_doctor(CLI::App* app, DoctorOptions* options, int* code) {
  CLI::App* command = app->add_subcommand("doctor", "is this machine fit for real time?");
  command->add_flag("--json", options->json, "findings as JSON");
  command->add_option("--cpu", options->cpu, "the lane's core (default: the best one)")
      ->check(CLI::Range(0, 1023));
  CLI::Option* measure =
      command
          ->add_option("--measure", options->measure_s,
                       "measure the lateness for so many seconds; no lane should run meanwhile")
          ->check(CLI::Range(1, 86400));
  CLI::Option* fix = command->add_flag("--fix", options->fix, "show what rt-tune would change");
  command->add_flag("--yes", options->yes, "with --fix: change it, then look again")->needs(fix);
  command->add_flag("--persist", options->persist, "with --fix: for the next boots as well")
      ->needs(fix);
  command->add_option("--root", options->root, "a folder with another machine's /proc, /sys, /dev")
      ->check(CLI::ExistingDirectory)
      ->excludes(measure);
  command->callback([=] { *code = rise::cli::doctor(*options); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("RISE-RT: a real-time controller for CNC machines");
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "help for all commands");
  int code = 0;

  RunOptions run_options;
  CLI::App* run_command =
      app.add_subcommand("run", "start simulated controls (if configured), core and sidecar");
  run_command->add_option("-c,--config", run_options.config, "settings (default: built in)");
  run_command->add_option("-d,--duration", run_options.duration_s, "end after so many seconds")
      ->check(CLI::PositiveNumber);
  run_command->add_option("--interval-ms", run_options.interval_ms, "between two reports on a pipe")
      ->check(CLI::Range(50, 3600000))
      ->capture_default_str();
  run_command->callback([&] { code = run(run_options); });

  TopOptions top_options;
  CLI::App* top_command =
      app.add_subcommand("top", "live view of machines, signals, alarms, lanes, drivers");
  add_region(top_command, &top_options.region);
  top_command->add_flag("--once", top_options.once, "print once and end");
  CLI::Option* top_json =
      top_command->add_flag("--json", top_options.json, "one JSON object per view");
  top_command
      ->add_flag("--histograms", top_options.histograms,
                 "with --json: the buckets of all histograms, each [lowest ns, highest ns, count]")
      ->needs(top_json);
  top_command->add_option("--interval-ms", top_options.interval_ms, "between two views")
      ->check(CLI::Range(20, 3600000))
      ->capture_default_str();
  top_command->callback([&] { code = top(top_options); });

  std::string check_file;
  bool check_json = false;
  bool check_keys = false;
  CLI::App* check_command =
      app.add_subcommand("check", "check a config: all faults at once, exit code 2");
  check_command->add_option("file", check_file, "settings (default: built in)");
  check_command->add_flag("--json", check_json, "faults as JSON");
  check_command->add_flag("--keys", check_keys, "print every allowed setting instead");
  check_command->callback([&] {
    if (!check_keys) {
      code = check_config(check_file, check_json);
      return;
    }
    const std::string core = program_folder() + "/rise-core";
    const char* with_file[] = {core.c_str(), "--keys", "--config", check_file.c_str(), nullptr};
    const char* without[] = {core.c_str(), "--keys", nullptr};
    ::execv(core.c_str(), const_cast<char* const*>(check_file.empty() ? without : with_file));
    std::perror(core.c_str());
    code = 1;
  });

  DoctorOptions doctor_options;
  add_doctor(&app, &doctor_options, &code);

  TraceOptions trace_options;
  CLI::App* trace_command =
      app.add_subcommand("trace", "write the flight recorder as a trace file");
  add_region(trace_command, &trace_options.region);
  trace_command->add_option("file", trace_options.file, "file to write")->capture_default_str();
  CLI::Option* late =
      trace_command->add_flag("--late", trace_options.late_only, "late cycles only, further back");
  CLI::Option* kernel = trace_command->add_flag(
      "--kernel", trace_options.kernel,
      "wait for the next late cycle, write what surrounds it and what the kernel did (root)");
  kernel->excludes(late);
  trace_command
      ->add_flag(
          "--timerlat", trace_options.timerlat,
          "with --kernel: its timerlat tracer, too, where it has one; takes some time of the "
          "lanes' cores")
      ->needs(kernel);
  trace_command
      ->add_option("--crash", trace_options.crash,
                   "of a core that died: a file of [core] crash_folder")
      ->excludes(kernel);
  trace_command->add_option("--wait", trace_options.wait_s, "with --kernel: so many seconds")
      ->check(CLI::PositiveNumber)
      ->needs(kernel)
      ->capture_default_str();
  trace_command->callback([&] { code = trace(trace_options); });

  std::string plugin_name;
  add_plugin(&app, &plugin_name, &code);
  add_bench(&app, &code);
  add_replay(&app, &code);
  const RecordVerbs record_verbs(&app, &code);
  const BusVerbs bus_verbs(&app, &code);

  CommandOptions command_options;
  for (const CommandVerb& verb : kCommandVerbs) {
    CLI::App* command_app = app.add_subcommand(verb.name, verb.help);
    add_region(command_app, &command_options.region);
    command_app->add_option("machine", command_options.machine, "name of the machine, or all")
        ->required();
    command_app->callback([&, kind = verb.kind] {
      command_options.kind = kind;
      code = command(command_options);
    });
  }
  CLI::App* set_command = app.add_subcommand("set", "set an output of an armed machine");
  add_region(set_command, &command_options.region);
  set_command->add_option("machine", command_options.machine, "name of the machine")->required();
  set_command->add_option("output", command_options.output, "name of the output")->required();
  set_command->add_option("value", command_options.value, "new value")->required();
  set_command->add_flag("--provisional", command_options.provisional,
                        "rolled back when the sidecar is lost");
  set_command->add_option("--ttl-ms", command_options.ttl_ms, "refused when older")
      ->capture_default_str();
  set_command->callback([&] {
    command_options.kind = CommandKind::SetOutput;
    code = command(command_options);
  });

  std::string stop_region = "rise";
  bool stop_clear = false;
  CLI::App* stop_command = app.add_subcommand(
      "stop",
      "set the stop word: all machines trip; waits a second for their confirmation (supplements, "
      "never replaces, an emergency stop)");
  add_region(stop_command, &stop_region);
  stop_command->add_flag("--clear", stop_clear, "take it back");
  stop_command->callback([&] { code = stop(stop_region, stop_clear); });

  DriverNewOptions driver_new_options;
  ReloadOptions reload_options;
  add_driver(&app, &driver_new_options, &reload_options, &code);

  CLI11_PARSE(app, argc, argv);
  return code;
}
