// bus_adapter loop [FAULT [CHECK]] | redis PORT [CHECK]: runs the checks; the last line is
// "N passed, N failed, N skipped".
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "tests/bus_adapter/checks.hpp"

int main(int argc, char** argv) {
  using namespace rise::bus_adapter;
  const std::string what = argc > 1 ? argv[1] : "";
  const std::string more = argc > 2 ? argv[2] : "";
  try {
    std::unique_ptr<Kit> kit;
    if (what == "loop") kit = make_loop_kit(more);
    if (what == "redis") kit = make_redis_kit(static_cast<std::uint16_t>(std::stoul(more)));
    if (kit == nullptr) {
      std::fputs("usage: bus_adapter loop [FAULT [CHECK]] | redis PORT [CHECK]\n", stderr);
      return 64;
    }
    return run_checks(kit.get(), argc > 3 ? argv[3] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bus_adapter: %s\n", error.what());
    return 2;
  }
}
