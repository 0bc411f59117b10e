// Marks the stretch of a thread's life in which nothing may allocate, lock, block or print. The
// marks cost a test for null in production; with the guard library preloaded (guard/preload.cpp,
// for tests) every forbidden call between them is counted or ends the program with a stack trace.
#pragma once

extern "C" {
[[gnu::weak]] void rise_guard_enter();
[[gnu::weak]] void rise_guard_leave();
[[gnu::weak]] unsigned long rise_guard_count();
}

namespace rise::guard {

class InCycle {
 public:
  InCycle() {
    if (rise_guard_enter != nullptr) rise_guard_enter();
  }
  ~InCycle() {
    if (rise_guard_leave != nullptr) rise_guard_leave();
  }
  InCycle(const InCycle&) = delete;
  InCycle& operator=(const InCycle&) = delete;
};

}  // namespace rise::guard
