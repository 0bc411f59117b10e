// Puts a fleet of controls on TCP: one thread, non-blocking sockets, one send per reply. What to
// send and when is decided by the sessions; this only carries it out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drivers/focas/simulator/process/fleet.hpp"
#include "drivers/focas/simulator/process/loop.hpp"

namespace rise::cncsim {

class Station;

class Server {
 public:
  Server(Loop& loop, const Fleet& fleet, int background_ms);
  ~Server();

  // Listens for all controls. Otherwise *fault has one line for each that cannot.
  bool start(std::string* fault);

 private:
  class Background;
  std::vector<std::unique_ptr<Station>> stations_;
  std::unique_ptr<Background> background_;
};

}  // namespace rise::cncsim
