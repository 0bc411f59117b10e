// One control on the network: its listening socket and its clients.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drivers/focas/simulator/process/fleet.hpp"
#include "drivers/focas/simulator/process/loop.hpp"

namespace rise::cncsim {

class Station;

// One client of one control.
class Peer : public Watcher {
 public:
  Peer(Loop& loop, Station& station, Fd fd, std::uint32_t connection);
  void on_events(std::uint32_t events) override;
  void on_time(std::int64_t now_ns) override;

 private:
  friend class Station;
  void receive();
  // Sends what it can; then waits for the socket, for the time, or ends.
  void send(bool alive);
  void set_interest();
  void leave(bool reset);

  Loop& loop_;
  Station& station_;
  Fd fd_;
  std::uint32_t connection_;
  std::vector<std::uint8_t> out_;
  std::size_t sent_ = 0;
  std::uint32_t interest_;
  bool ending_ = false;    // closes as soon as out_ is gone
  std::size_t place_ = 0;  // among the station's peers
};

class Station : public Watcher {
 public:
  Station(Loop& loop, Machine& machine) : loop_(loop), machine_(machine) {}
  ~Station() override;

  bool listen(std::string* fault);
  // Time passes; a fault may close the door or open it again.
  void refresh(std::int64_t now_ns);
  void on_events(std::uint32_t events) override;

 private:
  friend class Peer;
  void remove(Peer* peer);

  Loop& loop_;
  Machine& machine_;
  Fd listener_;
  Fd spare_;  // given up to refuse a client when no descriptor is left
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace rise::cncsim
