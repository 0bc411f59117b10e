// Sockets of the server: TCP on loopback for the clients, Unix for commands.
#pragma once

#include <cstdint>
#include <string>

#include "drivers/focas/simulator/process/loop.hpp"

namespace rise::cncsim {

// Listening, non-blocking. Not open: *fault says what happened, where, and what to do.
Fd listen_tcp(const std::string& address, std::uint16_t port, std::string* fault);
// A socket file that nobody answers is replaced.
Fd listen_unix(const std::string& path, std::string* fault);
// Blocking.
Fd connect_unix(const std::string& path, std::string* fault);

// The next waiting client; not open: none (or no descriptor left, see *exhausted).
Fd accept_next(int listener, bool* exhausted);
void set_no_delay(int fd);
// close() will send RST instead of FIN.
void reset_on_close(int fd);

}  // namespace rise::cncsim
