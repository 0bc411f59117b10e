#include "plugins/cli/ending.hpp"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace rise::cli {

namespace {

constexpr int kSliceMs = 20;

volatile sig_atomic_t noted = 0;

}  // namespace

void note_ending() {
  struct sigaction action {};
  action.sa_handler = [](int) { noted = 1; };
  // SIGQUIT (Ctrl-\) too: a core file of the command line helps nobody, a terminal that is left in
  // raw mode harms.
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    ::sigaction(number, &action, nullptr);
  }
}

bool ending() { return noted != 0; }

// In slices: a signal that comes between the look and the sleep would else be noticed late.
void sleep_ms(int ms) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::milliseconds(ms);
  while (!ending()) {
    const auto left = until - Clock::now();
    if (left <= Clock::duration::zero()) return;
    std::this_thread::sleep_for(
        std::min<Clock::duration>(left, std::chrono::milliseconds(kSliceMs)));
  }
}

}  // namespace rise::cli
