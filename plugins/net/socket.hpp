// One connection of a client: TCP, with TLS on it if so wanted. For protocols that come in bytes
// and need nothing of Asio but these four calls.
//
// The loop's thread only. Every call that takes a Done calls it once, later, never within the call;
// after close() with a text that says so. At most one read and one write at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "plugins/net/loop.hpp"
#include "plugins/net/tls_context.hpp"

namespace rise::net {

class Socket {
 public:
  // `why` is empty if it went well.
  using Done = std::function<void(std::string_view why, std::size_t bytes)>;

  // `tls`: null for plain TCP. `server_name`: see TlsOptions; empty: the host.
  static std::shared_ptr<Socket> make(Loop* loop, std::shared_ptr<TlsContext> tls,
                                      std::string server_name);
  virtual ~Socket() = default;

  // Host: a name or an address of either family. Without a time limit: close() ends it.
  virtual void connect(const std::string& host, std::uint16_t port, Done done) = 0;
  // At least one byte. `room` stays until then.
  virtual void read_some(std::span<char> room, Done done) = 0;
  // All of them. `bytes` stay until then.
  virtual void write(std::string_view bytes, Done done) = 0;
  virtual void close() = 0;
};

}  // namespace rise::net
