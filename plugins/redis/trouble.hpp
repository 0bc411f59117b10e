// What an error of Redis means for what was asked: its first word says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "plugins/redis/options.hpp"

namespace rise::redis {

enum class Trouble : std::uint8_t {
  Passing,  // LOADING, OOM, READONLY, MISCONF, CLUSTERDOWN, ...: may be gone at the next attempt
  Lasting,  // NOPERM, WRONGTYPE, an unknown command, ...: the same again would fail again
  Moved,    // MOVED: the slot lives there, from now on
  Ask,      // ASK: this once, there
};

Trouble trouble_of(std::string_view error);

struct Redirect {
  std::uint16_t slot = 0;
  Endpoint to;  // without a host: the one that said so
};

// Of "MOVED 3999 127.0.0.1:6381" and "ASK ...". Absent: malformed.
std::optional<Redirect> redirect_of(std::string_view error);

}  // namespace rise::redis
