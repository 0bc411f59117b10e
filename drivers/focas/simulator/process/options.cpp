#include "drivers/focas/simulator/process/options.hpp"

#include <charconv>
#include <string_view>

namespace rise::cncsim {

const char kUsage[] =
    "usage: cncsim [--config FILE] [--check] [--control PATH] [--ready-fd N] [--quiet]\n"
    "       cncsim --tell PATH TEXT\n"
    "\n"
    "Plays FANUC controls on TCP ports (FOCAS/Ethernet).\n"
    "\n"
    "  --config FILE   the controls, TOML; without it the built-in example of three controls\n"
    "  --check         only check the config, tell all its faults\n"
    "  --control PATH  listen for commands on this Unix socket (see --tell)\n"
    "  --ready-fd N    write \"ready\" to this descriptor once all ports listen, instead of to\n"
    "                  standard output\n"
    "  --quiet         print nothing but errors\n"
    "  --keys          print all keys of the config and end\n"
    "  --tell PATH TEXT  send one command to a running cncsim and print the answer;\n"
    "                  \"help\" lists the commands\n"
    "  --help          this text\n"
    "\n"
    "Exit codes: 0 fine, 1 the command was refused (--tell), 2 the config has faults,\n"
    "3 a port or socket cannot be used, 64 wrong arguments.\n";

bool parse_options(int argc, const char* const* argv, Options* options, std::string* fault) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto value = [&](std::string* place) {
      if (i + 1 >= argc) {
        *fault = std::string(name) + " needs a value";
        return false;
      }
      *place = argv[++i];
      return true;
    };
    if (name == "--check") {
      options->check = true;
    } else if (name == "--quiet") {
      options->quiet = true;
    } else if (name == "--help" || name == "-h") {
      options->help = true;
    } else if (name == "--keys") {
      options->keys = true;
    } else if (name == "--config") {
      if (!value(&options->config)) return false;
    } else if (name == "--control") {
      if (!value(&options->control)) return false;
    } else if (name == "--tell") {
      if (!value(&options->tell_path) || !value(&options->tell_line)) return false;
    } else if (name == "--ready-fd") {
      std::string text;
      if (!value(&text)) return false;
      const char* end = text.data() + text.size();
      const auto [rest, error] = std::from_chars(text.data(), end, options->ready_fd);
      if (error != std::errc{} || rest != end || options->ready_fd < 0) {
        *fault = "--ready-fd " + text + ": expected the number of an open descriptor";
        return false;
      }
    } else {
      *fault = std::string(name) + ": unknown argument";
      return false;
    }
  }
  return true;
}

}  // namespace rise::cncsim
