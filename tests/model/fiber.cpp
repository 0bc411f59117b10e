#include "tests/model/fiber.hpp"

namespace rise::model {

Fiber::Fiber() { ::getcontext(&context_); }

Fiber::~Fiber() {
#if defined(RISE_TSAN)
  if (!stack_.empty()) ::__tsan_destroy_fiber(sanitizer_);
#endif
}

void Fiber::prepare(void (*entry)(int), int argument) {
#if defined(RISE_TSAN)
  if (!stack_.empty()) ::__tsan_destroy_fiber(sanitizer_);
  sanitizer_ = ::__tsan_create_fiber(0);
#endif
  stack_.resize(kStackBytes);
  context_.uc_stack.ss_sp = stack_.data();
  context_.uc_stack.ss_size = stack_.size();
  context_.uc_link = nullptr;
  // makecontext's own signature: the function is called with the int arguments that follow.
  ::makecontext(&context_, reinterpret_cast<void (*)()>(entry), 1, argument);
}

}  // namespace rise::model
