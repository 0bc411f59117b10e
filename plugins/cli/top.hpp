// `rise top`: how a core stands, as a screen, as plain lines, or as JSON.
#pragma once

#include <string>

#include "plugins/cli/observer.hpp"

namespace rise::cli {

// The whole screen; `selected`: the machine whose signals are listed. rows: lines that may be used.
std::string render_screen(const CoreView& view, std::size_t selected, int rows);
// A few lines without any cursor movement, for logs and pipes.
std::string render_lines(const CoreView& view);
enum class Histograms { Percentiles, Whole };
std::string render_json(const CoreView& view, Histograms histograms);

struct TopOptions {
  std::string region = "rise";
  bool once = false;
  bool json = false;
  bool histograms = false;  // with json: their buckets, too
  int interval_ms = 500;
};
// Runs until 'q', Ctrl-C, or the end of the core. -> 0, or 3: there is no core.
int top(const TopOptions& options);

}  // namespace rise::cli
