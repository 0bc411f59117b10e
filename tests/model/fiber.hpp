// A stack of its own for each logical thread of a model. Fibers run on the one thread that made
// them. A fiber may be left in the middle of its entry function for ever (an execution that is cut
// short): nothing on its stack is then destroyed, so what runs on it owns nothing.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <vector>

#if defined(RISE_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace rise::model {

class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next switch to this fiber begins entry(argument), which must not return.
  void prepare(void (*entry)(int), int argument);
  // Goes on in `to`; returns when someone switches back to `from`.
  static void change(Fiber& from, Fiber& to) {
#if defined(RISE_TSAN)
    ::__tsan_switch_to_fiber(to.sanitizer_, 0);  // it keeps a call stack of its own for each fiber
#endif
    ::swapcontext(&from.context_, &to.context_);
  }

 private:
  static constexpr std::size_t kStackBytes = 128 * 1024;

  ucontext_t context_{};
  std::vector<std::byte> stack_;  // empty for the fiber that stands for the thread itself
#if defined(RISE_TSAN)
  void* sanitizer_ = ::__tsan_get_current_fiber();
#endif
};

}  // namespace rise::model
