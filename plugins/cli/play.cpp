#include "plugins/cli/play.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "plugins/cli/ending.hpp"
#include "plugins/recorder/mapped_file.hpp"
#include "plugins/recorder/mcap_reader.hpp"
#include "plugins/recorder/topic.hpp"

namespace rise::cli {

namespace {

constexpr int kBadUsage = 64;

int complain(const std::string& why, int code) {
  std::fprintf(stderr, "rise replay: %s\n", why.c_str());
  return code;
}

bool is_mcap_file(const std::string& path) {
  const auto file = recorder::MappedFile::open(path);
  return file && recorder::is_mcap(file->bytes());
}

struct PlayOptions {
  std::string file;
  double speed = 0;  // 0: as fast as it goes
  double until_s = std::numeric_limits<double>::infinity();
};

// "" = fine, else what is wrong with the words.
std::string parse(const std::vector<std::string>& words, PlayOptions* options) {
  const auto number = [](const std::string& text, double* value) {
    char* end = nullptr;
    *value = std::strtod(text.c_str(), &end);
    return !text.empty() && *end == '\0' && *value > 0;
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    const std::string key = words[i].substr(0, equals);
    if (key == "--speed" || key == "--until") {
      std::string value;
      if (equals != std::string::npos) {
        value = words[i].substr(equals + 1);
      } else if (++i < words.size()) {
        value = words[i];
      }
      double* target = key == "--speed" ? &options->speed : &options->until_s;
      if (key == "--speed" && value == "max") continue;
      if (!number(value, target)) return key + " needs a number above 0";
    } else if (words[i].starts_with("-")) {
      return words[i] +
             ": an MCAP file is played with --speed and --until only; the other options are for "
             "recordings of a lane ([[lane]] record)";
    } else if (options->file.empty()) {
      options->file = words[i];
    } else {
      return "one file at a time";
    }
  }
  return "";
}

void wait_until(std::chrono::steady_clock::time_point when) {
  using Milliseconds = std::chrono::milliseconds;
  const auto left =
      std::chrono::duration_cast<Milliseconds>(when - std::chrono::steady_clock::now());
  if (left > Milliseconds(0))
    sleep_ms(static_cast<int>(std::min(left, Milliseconds(1 << 30)).count()));
}

}  // namespace

bool names_mcap(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return !word.starts_with("-") && is_mcap_file(word);
  });
}

int play(const std::vector<std::string>& words) {
  PlayOptions options;
  if (const std::string fault = parse(words, &options); !fault.empty()) {
    return complain(fault, kBadUsage);
  }
  auto file = recorder::open_recording(options.file);
  if (!file) return complain(file.error(), 1);
  note_ending();
  recorder::McapReader reader(file->bytes());
  recorder::MessageDecoder decoder;
  recorder::McapMessage message;
  std::uint64_t first_ns = 0;
  bool any = false;
  const auto begin = std::chrono::steady_clock::now();
  while (!ending() && reader.next(&message)) {
    if (!any) first_ns = message.log_time;
    any = true;
    // A clock that was set back while it was recorded: what came then comes at once.
    const double at_s =
        message.log_time < first_ns ? 0 : static_cast<double>(message.log_time - first_ns) * 1e-9;
    if (at_s > options.until_s) break;
    if (options.speed > 0) {
      std::fflush(stdout);
      wait_until(begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                             std::chrono::duration<double>(at_s / options.speed)));
    }
    const std::string line = recorder::json_line(message, &decoder);
    if (!line.empty() && std::printf("%s\n", line.c_str()) < 0) return 1;
  }
  std::fflush(stdout);
  return any ? 0 : complain(options.file + " holds no message that can be read", 1);
}

}  // namespace rise::cli
