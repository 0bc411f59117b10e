#include "drivers/focas/simulator/process/server.hpp"

#include "drivers/focas/simulator/process/station.hpp"

namespace rise::cncsim {

// Brings all controls up to date now and then, so that none has to catch up for long when it is
// asked, and so that faults begin and end in time.
class Server::Background : public Watcher {
 public:
  Background(Loop& loop, std::vector<std::unique_ptr<Station>>& stations, int period_ms)
      : loop_(loop), stations_(stations), period_ns_(std::int64_t{period_ms} * 1'000'000) {}

  void on_events(std::uint32_t) override {}
  void on_time(std::int64_t now_ns) override {
    for (const auto& station : stations_) station->refresh(now_ns);
    loop_.set_time(this, now_ns + period_ns_);
  }

 private:
  Loop& loop_;
  std::vector<std::unique_ptr<Station>>& stations_;
  std::int64_t period_ns_;
};

Server::Server(Loop& loop, const Fleet& fleet, int background_ms)
    : background_(std::make_unique<Background>(loop, stations_, background_ms)) {
  for (const auto& machine : fleet) stations_.push_back(std::make_unique<Station>(loop, *machine));
  loop.set_time(background_.get(), 0);
}

Server::~Server() = default;

bool Server::start(std::string* fault) {
  fault->clear();
  for (const auto& station : stations_) {
    std::string one;
    if (!station->listen(&one)) *fault += (fault->empty() ? "" : "\n") + one;
  }
  return fault->empty();
}

}  // namespace rise::cncsim
