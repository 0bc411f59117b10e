// The other end of the control socket. One thread, which waits.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "rt_core/result.hpp"

namespace rise::control {

class Client {
 public:
  // Asks the sidecar of the core with this region; `request` is a line of JSON.
  static Result<Client> ask(const std::string& region, std::string_view request);
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  ~Client();

  // The next line of the answer; absent: not within that time, or it is over.
  std::optional<std::string> line(std::chrono::milliseconds limit);
  [[nodiscard]] bool over() const { return over_; }

 private:
  explicit Client(int fd) : fd_(fd) {}
  int fd_ = -1;
  bool over_ = false;
  std::string received_;
};

}  // namespace rise::control
