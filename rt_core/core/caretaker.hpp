// Looks after the drivers of a running core, on an ordinary thread: loads a driver anew when
// somebody asks for a reload, and gives a benched machine a fresh driver instance after a while.
// Loading, relocation, configure and the touching of memory happen here; the lane only changes
// seats.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "rt_core/driver/instance.hpp"

namespace rise::core {

class Caretaker {
 public:
  ~Caretaker() { stop(); }

  // Set-up thread, before start().
  void look_after(driver::Instance* machine);
  bool start();
  void stop();
  // One round; start() makes a thread that does it every kPeriod_ns. For tests.
  void look(std::int64_t now_ns);
  static constexpr std::int64_t kPeriod_ns = 50'000'000;

 private:
  struct Ward {
    driver::Instance* machine = nullptr;
    std::int64_t benched_since_ns = 0;  // 0 = it is not
    std::int64_t running_since_ns = 0;
    std::int64_t wait_ns = 0;
    const rise_driver* driver = nullptr;  // of the next seat
    std::shared_ptr<const driver::Library> library;
  };
  static void* thread(void* self);
  void collect(Ward* ward);
  void reload(Ward* ward);
  void retry(Ward* ward, std::int64_t now_ns);
  bool seat(Ward* ward, const rise_driver* driver,
            const std::shared_ptr<const driver::Library>& library);

  std::vector<Ward> wards_;
  pthread_t thread_{};
  bool started_ = false;
  std::atomic<bool> stop_{false};
};

}  // namespace rise::core
