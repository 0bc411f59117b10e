// The Unix socket for commands: lines in, one line out for each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drivers/focas/simulator/process/console.hpp"
#include "drivers/focas/simulator/process/loop.hpp"

namespace rise::cncsim {

class ControlSocket : public Watcher {
 public:
  ControlSocket(Loop& loop, Console& console);
  ~ControlSocket() override;  // removes the socket file

  bool listen(const std::string& path, std::string* fault);
  void on_events(std::uint32_t events) override;

 private:
  class Client;
  void remove(const Client* client);

  Loop& loop_;
  Console& console_;
  Fd listener_;
  std::string path_;
  std::vector<std::unique_ptr<Client>> clients_;
};

// Sends one line to a control socket. -> the answer; *fault is set if there is none.
std::string tell(const std::string& path, const std::string& line, std::string* fault);

}  // namespace rise::cncsim
