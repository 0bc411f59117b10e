// The sidecar's control socket: takes requests, a line each, from processes of this machine that
// may open it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace rise::control {

inline constexpr std::size_t kMaxRequestBytes = 2u << 20u;
inline constexpr std::size_t kMaxWaitingBytes = 8u << 20u;  // of one connection, to be sent

// One connection, as whoever answers sees it. Any thread; after it has ended nothing happens.
class Session {
 public:
  virtual ~Session() = default;
  // One line, without its end. What does not fit into kMaxWaitingBytes is dropped; a line
  // {"dropped":n} stands where it would have been.
  virtual void send(std::string line) = 0;
  // The last line; then the connection is closed.
  virtual void finish(std::string line) = 0;
};

class Server {
 public:
  // On the server's thread, which it holds up: answers come later or at once. What it returns lives
  // as long as the connection; it is let go on a thread that may wait.
  using Answer =
      std::function<std::shared_ptr<void>(std::string_view request, std::shared_ptr<Session>)>;
  static constexpr std::size_t kConnections = 16;

  // A socket that a dead process has left is replaced. For its owner alone, until share().
  // patience: with a request that is not whole; answers may take as long as they like.
  // Throws std::runtime_error: the path is taken, or cannot be made.
  Server(std::string path, Answer answer,
         std::chrono::milliseconds patience = std::chrono::seconds(10));
  // As close().
  ~Server();
  // With the group of this file, too, if we may.
  void share(const std::string& like);
  // False: an answer has not returned within 3 s; its thread is left behind, and uses what it uses.
  bool close();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rise::control
