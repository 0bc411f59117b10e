#include "plugins/cli/export.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "plugins/recorder/export.hpp"
#include "plugins/recorder/mapped_file.hpp"
#include "plugins/recorder/output_file.hpp"
#include "plugins/recorder/text.hpp"
#include "plugins/text/utc.hpp"

namespace rise::cli {

namespace {

constexpr int kBadUsage = 64;
constexpr std::size_t kAtOnce = 1u << 16u;

int complain(const std::string& why, int code = 1) {
  std::fprintf(stderr, "rise export: %s\n", why.c_str());
  return code;
}

std::uint64_t first_time(recorder::Bytes file) {
  recorder::McapReader reader(file);
  recorder::McapMessage message;
  return reader.next(&message) ? message.log_time : 0;
}

// Absent: it is no time.
std::optional<std::uint64_t> time_of(const std::string& text, recorder::Bytes file) {
  if (text.starts_with('+')) {
    char* end = nullptr;
    const double seconds = std::strtod(text.c_str() + 1, &end);
    if (*end != '\0' || text.size() < 2 || !(seconds >= 0 && seconds < 1e9)) return std::nullopt;
    return first_time(file) + static_cast<std::uint64_t>(seconds * 1e9);
  }
  const auto ns = text::parse_utc(text);
  if (!ns || *ns < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*ns);
}

// Rows go out in larger pieces than they come.
class Outlet {
 public:
  explicit Outlet(std::unique_ptr<recorder::OutputFile> file) : file_(std::move(file)) {}
  bool take(std::string_view text) {
    waiting_ += text;
    return waiting_.size() < kAtOnce || flush();
  }
  bool flush() {
    const std::string text = std::exchange(waiting_, {});
    if (failed_) return false;
    if (file_ != nullptr) {
      failed_ = !file_->write(text);
    } else {
      failed_ = std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
                std::fflush(stdout) != 0;
    }
    return !failed_;
  }
  // Why it failed; "" if it did not.
  std::string close() {
    const bool flushed = flush();
    if (file_ != nullptr && flushed && file_->close()) return "";
    if (file_ != nullptr) return file_->problem();
    return flushed ? "" : "the output was closed";
  }

 private:
  std::unique_ptr<recorder::OutputFile> file_;
  std::string waiting_;
  bool failed_ = false;
};

}  // namespace

int export_recording(const ExportOptions& options) {
  if (options.form == ExportForm::None) {
    return complain("say what to make of it: --csv, --json or --mcap-json", kBadUsage);
  }
  if (options.form == ExportForm::McapJson && options.out.empty() && ::isatty(STDOUT_FILENO) != 0) {
    return complain("an MCAP file is nothing for a terminal: name a file with --out", kBadUsage);
  }
  auto file = recorder::open_recording(options.file);
  if (!file) return complain(file.error());
  recorder::Selection selection;
  selection.topics = options.topics;
  selection.signals = options.signals;
  for (const auto& [text, ns] :
       {std::pair(options.from, &selection.from_ns), std::pair(options.to, &selection.to_ns)}) {
    if (text.empty()) continue;
    const auto time = time_of(text, file->bytes());
    if (!time) {
      return complain("\"" + text + "\" is no time: 2026-01-31T23:59:59.5Z (UTC), or +2.5 for " +
                          "seconds after the first message",
                      kBadUsage);
    }
    *ns = *time;
  }
  std::unique_ptr<recorder::OutputFile> target;
  if (!options.out.empty()) {
    auto made = recorder::OutputFile::create(options.out);
    if (!made) return complain(made.error());
    target = std::move(*made);
  }
  Outlet outlet(std::move(target));
  const auto output = [&](std::string_view text) { return outlet.take(text); };
  const auto exporter = options.form == ExportForm::Csv    ? recorder::export_csv
                        : options.form == ExportForm::Json ? recorder::export_json
                                                           : recorder::export_mcap;
  auto done = exporter(file->bytes(), selection, output);
  const std::string problem = outlet.close();
  if (!done) {
    if (!options.out.empty()) ::unlink(options.out.c_str());
    return complain(done.error());
  }
  if (!problem.empty()) return complain(problem);
  if (!done->whole) {
    complain(options.file + " is damaged or cut off; this is what could be read (" +
             std::to_string(done->read.messages) + " messages). More: rise record info");
  }
  if (done->unreadable > 0) {
    complain(std::to_string(done->unreadable) + " messages are none of ours, and were left out");
  }
  if (done->written == 0) return complain("nothing in it is what was asked for");
  return 0;
}

}  // namespace rise::cli
