#include "plugins/cli/record_verbs.hpp"

#include "plugins/cli/export.hpp"
#include "plugins/cli/record.hpp"

namespace rise::cli {

namespace {

constexpr int kYear_s = 366 * 86'400;

void add_record_options(CLI::App* command, RecordOptions* options) {
  command->add_option("-r,--region", options->region, "region of the core ([core] name)")
      ->capture_default_str();
  CLI::Option* dir = command->add_option("--dir", options->dir,
                                         "a folder: file after file, over restarts of the core");
  CLI::Option* out =
      command->add_option("--out", options->out, "one file (default: rise-REGION-TIME.mcap here)");
  dir->excludes(out);
  command->add_option("-d,--duration", options->duration_s, "end after so many seconds")
      ->check(CLI::PositiveNumber);
  command->add_option("--machines", options->machines, "only these: a,b,c")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--max-file-mib", options->max_file_mib, "with --dir: a file ends at this size")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--max-file-s", options->max_file_s, "with --dir: a file ends at this age")
      ->check(CLI::Range(1, kYear_s))
      ->capture_default_str();
  command
      ->add_option("--max-disk-mib", options->max_disk_mib,
                   "with --dir: of all files; the oldest are removed")
      ->check(CLI::Range(2, 1 << 30))
      ->capture_default_str();
  command
      ->add_option("--min-free-mib", options->min_free_mib,
                   "the recording pauses while the disk has less")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  command
      ->add_option("--flush-ms", options->flush_ms,
                   "what a kill can cost: the end of the recording")
      ->check(CLI::Range(10, 60'000))
      ->capture_default_str();
  command->add_option("--level", options->level, "of the compression, zstd's")
      ->check(CLI::Range(1, 19))
      ->capture_default_str();
  command->add_option("--name", options->name,
                      "of the reader, under which the core keeps its place (default: recorder "
                      "with --dir, else record)");
  command->add_flag("--wait", options->wait, "for a core, if there is none yet");
}

}  // namespace

struct RecordVerbs::Options {
  RecordOptions record;
  RecordingOptions repair;
  RecordingOptions info;
  RecordingOptions raw;
  ExportOptions exporting;
  bool csv = false;
  bool json = false;
  bool mcap_json = false;
};

RecordVerbs::RecordVerbs(CLI::App* app, int* code) : options_(std::make_unique<Options>()) {
  Options* all = options_.get();
  CLI::App* verb = app->add_subcommand(
      "record", "record telemetry, events and commands into MCAP files; repair one; what is in it");
  verb->require_subcommand(0, 1);
  add_record_options(verb, &all->record);

  CLI::App* fix = verb->add_subcommand(
      "repair", "what can still be read of a damaged or cut-off file, as a new one with an index");
  fix->add_option("file", all->repair.file, "MCAP file")->required();
  fix->add_option("--out", all->repair.out, "file to write (default: FILE.repaired.mcap)");
  fix->callback([=] { *code = record_repair(all->repair); });

  CLI::App* info = verb->add_subcommand(
      "info", "what is in a recording, and is it whole; exit code 1: it is not");
  info->add_option("file", all->info.file, "MCAP file")->required();
  info->add_flag("--json", all->info.json, "as JSON");
  info->callback([=] { *code = record_info(all->info); });

  CLI::App* raw = verb->add_subcommand(
      "raw", "of a lane's recording ([[lane]] record) the bytes between drivers and devices");
  raw->add_option("file", all->raw.file, "recording of a lane")->required();
  raw->add_option("--out", all->raw.out, "file to write (default: FILE.mcap)");
  raw->callback([=] { *code = record_raw(all->raw); });

  verb->callback([=] {
    if (verb->get_subcommands().empty()) *code = record(all->record);
  });

  CLI::App* out =
      app->add_subcommand("export", "a recording as CSV, as lines of JSON, or for PlotJuggler");
  out->add_option("file", all->exporting.file, "MCAP file")->required();
  CLI::Option* csv = out->add_flag("--csv", all->csv, "a row per sample time, a column per signal");
  CLI::Option* json = out->add_flag("--json", all->json, "a line per message");
  CLI::Option* mcap =
      out->add_flag("--mcap-json", all->mcap_json,
                    "MCAP whose messages are JSON, for readers that know no FlatBuffers");
  csv->excludes(json)->excludes(mcap);
  json->excludes(mcap);
  out->add_option("--topic", all->exporting.topics,
                  "only this; again for more: telemetry/mill-1, event/*")
      ->allow_extra_args(false);
  out->add_option("--signal", all->exporting.signals,
                  "only this; again for more: axis.x.position, axis.*")
      ->allow_extra_args(false);
  out->add_option("--from", all->exporting.from,
                  "UTC as 2026-01-31T23:59:59.5Z, or +2.5: seconds after the first message");
  out->add_option("--to", all->exporting.to, "likewise");
  out->add_option("--out", all->exporting.out, "file to write (default: stdout)");
  out->callback([=] {
    all->exporting.form = all->csv         ? ExportForm::Csv
                          : all->json      ? ExportForm::Json
                          : all->mcap_json ? ExportForm::McapJson
                                           : ExportForm::None;
    *code = export_recording(all->exporting);
  });
}

RecordVerbs::~RecordVerbs() = default;

}  // namespace rise::cli
