#include "drivers/telemetry/simulator/options.hpp"

#include <charconv>
#include <cmath>
#include <string_view>

namespace rise::sensorsim {

const char kUsage[] =
    "usage: sensorsim [--config FILE] [--check] [--to HOST:PORT] [--source ADDRESS]\n"
    "                 [--duration SECONDS] [--datagrams N] [--seed N] [--speed FACTOR | --fast]\n"
    "                 [--json] [--quiet]\n"
    "\n"
    "Plays sensors: sends their datagrams over UDP (drivers/telemetry/README.md has the layout).\n"
    "\n"
    "  --config FILE      the sensors, TOML; without it the built-in example "
    "(config/sensors.toml)\n"
    "  --check            only check the config, tell all its faults\n"
    "  --to HOST:PORT     IPv4 address and port that is sent to\n"
    "  --source ADDRESS   local IPv4 address, e.g. 127.0.0.2 to play a stranger on loopback\n"
    "  --duration SECONDS ends after this; 0: runs until SIGINT or SIGTERM\n"
    "  --datagrams N      ends after N datagrams (those that faults drop or add do not count)\n"
    "  --seed N           other noise and other faults: N is added to each sensor's seed\n"
    "  --speed FACTOR     datagrams come FACTOR times as often; their stamps stay as they are\n"
    "  --fast             as quickly as this machine can, without pauses\n"
    "  --json             what was sent, at the end, as one line of JSON\n"
    "  --quiet            print nothing but errors (and what --json asks for)\n"
    "  --keys             print all keys of the config and end\n"
    "  --help             this text\n"
    "\n"
    "Exit codes: 0 fine (also after SIGINT), 2 the config has faults, 3 the network cannot be\n"
    "used, 64 wrong arguments.\n";

namespace {

template <class Number>
bool to_number(std::string_view text, Number* number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return fault == std::errc{} && end == text.data() + text.size();
}

bool to_target(std::string_view text, Options* options) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  options->host = text.substr(0, colon);
  return to_number(text.substr(colon + 1), &options->port) && options->port != 0;
}

bool to_positive(std::string_view text, double* number) {
  return to_number(text, number) && std::isfinite(*number) && *number >= 0;
}

}  // namespace

bool parse_options(int argc, const char* const* argv, Options* options, std::string* fault) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const bool has_value = name == "--config" || name == "--to" || name == "--source" ||
                           name == "--duration" || name == "--datagrams" || name == "--seed" ||
                           name == "--speed";
    if (has_value && i + 1 >= argc) {
      *fault = std::string(name) + " needs a value";
      return false;
    }
    const std::string_view value = has_value ? argv[++i] : "";
    bool good = true;
    if (name == "--config") {
      options->config = value;
    } else if (name == "--source") {
      options->source = value;
    } else if (name == "--to") {
      good = to_target(value, options);
    } else if (name == "--duration") {
      double seconds = 0;
      good = to_positive(value, &seconds);
      options->duration_s = seconds;
    } else if (name == "--datagrams") {
      good = to_number(value, &options->datagrams);
    } else if (name == "--seed") {
      std::uint64_t seed = 0;
      good = to_number(value, &seed);
      options->seed = seed;
    } else if (name == "--speed") {
      good = to_positive(value, &options->speed) && options->speed > 0;
    } else if (name == "--fast") {
      options->fast = true;
    } else if (name == "--check") {
      options->check = true;
    } else if (name == "--quiet") {
      options->quiet = true;
    } else if (name == "--json") {
      options->json = true;
    } else if (name == "--help" || name == "-h") {
      options->help = true;
    } else if (name == "--keys") {
      options->keys = true;
    } else {
      *fault = std::string(name) + ": unknown argument";
      return false;
    }
    if (!good) {
      *fault = std::string(name) + " " + std::string(value) + ": not what is expected";
      return false;
    }
  }
  return true;
}

}  // namespace rise::sensorsim
