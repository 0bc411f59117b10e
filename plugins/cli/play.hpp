// `rise replay FILE.mcap`: what was recorded comes again, as lines of JSON, as fast as it came then
// or faster. Recordings of a lane ([[lane]] record) are another thing: rise-replay plays these
// through the core.
#pragma once

#include <string>
#include <vector>

namespace rise::cli {

// The words behind `rise replay` name an MCAP file.
bool names_mcap(const std::vector<std::string>& words);
// Plays it. -> 0 done, 1 not, 64 bad usage.
int play(const std::vector<std::string>& words);

}  // namespace rise::cli
