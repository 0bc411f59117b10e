// `rise export`: a recording as CSV, as lines of JSON, or as MCAP with messages in JSON.
#pragma once

#include <string>
#include <vector>

namespace rise::cli {

enum class ExportForm { None, Csv, Json, McapJson };

struct ExportOptions {
  std::string file;
  ExportForm form = ExportForm::None;
  std::vector<std::string> topics;
  std::vector<std::string> signals;
  std::string from;  // "2026-01-31T23:59:59.5Z", "+2.5" = seconds after the first message
  std::string to;
  std::string out;  // "" = stdout
};
// -> 0 done, 1 not, 64 bad usage. A damaged file is exported as far as it can be read, and told of.
int export_recording(const ExportOptions& options);

}  // namespace rise::cli
