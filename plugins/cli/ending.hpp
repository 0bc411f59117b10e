// The signals by which people, terminals and supervisors end a command. They are only noted, so
// that the command can put the terminal right and end its children before it returns.
#pragma once

namespace rise::cli {

// From now on SIGINT, SIGTERM, SIGHUP and SIGQUIT are noted instead of obeyed.
void note_ending();
// One of them has come.
bool ending();
// Sleeps so long, or until one of them comes.
void sleep_ms(int ms);

}  // namespace rise::cli
