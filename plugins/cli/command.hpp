// `rise arm`, `disarm`, `reset`, `hold`, `set`, `stop`: commands to a core from the command line.
#pragma once

#include <string>

#include "rise_generated.h"

namespace rise::cli {

struct CommandOptions {
  std::string region = "rise";
  std::string machine;  // empty or "all": every machine
  message::CommandKind kind = message::CommandKind::None;
  std::string output;
  double value = 0;
  bool provisional = false;
  int ttl_ms = 1000;
  int wait_ms = 3000;
};
// Who the core is told has approved a command: the user at this terminal.
std::string approver();

// Sends it and waits for the results. -> 0 done, 1 refused or failed, 3 no core.
int command(const CommandOptions& options);

// Sets or takes back the stop word, and tells what the machines made of it within a second.
// -> 0 every machine is confirmed safe (or the word is taken back), 1 not every one, 3 no core.
int stop(const std::string& region, bool clear);

}  // namespace rise::cli
