// The operations of the threads under exploration: each is announced (which may let other threads
// run first, and decides what a load reads), done on the memory, told to the trace.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>

#include "tests/model/explorer.hpp"

namespace rise::model {

Word Explorer::load(const Word* word, std::memory_order order, const std::source_location& at) {
  const int location = locate(word);
  announce(Operation::Load, location, false);
  Thread& thread = self();
  const WeakMemory::Range range = memory_.readable(running_, location);
  const Word value = memory_.load(running_, location, thread.message, order);
  thread.reads.push_back(static_cast<std::uint8_t>(thread.message));
  if (tracing_) {
    trace_.add({thread.name, Operation::Load, memory_.name(location), value, order, thread.message,
                range.first, range.last, at});
  }
  after_operation();
  return value;
}

void Explorer::store(const Word* word, Word value, std::memory_order order,
                     const std::source_location& at) {
  const int location = locate(word);
  announce(Operation::Store, location, false);
  memory_.store(running_, location, value, order);
  if (tracing_) {
    const unsigned made = memory_.readable(running_, location).last;
    trace_.add(
        {self().name, Operation::Store, memory_.name(location), value, order, made, 0, 0, at});
  }
  after_operation();
}

void Explorer::fence(std::memory_order order, const std::source_location& at) {
  announce(Operation::Fence, 0, order == std::memory_order_seq_cst);
  memory_.fence(running_, order);
  if (tracing_) trace_.add({self().name, Operation::Fence, "", 0, order, 0, 0, 0, at});
  after_operation();
}

Word Explorer::known(const Word* word) { return memory_.newest_known(running_, locate(word)); }

Role Explorer::role(const Word* word) { return memory_.role(locate(word)); }

std::string Explorer::reads() const {
  std::string out;
  for (std::size_t i = 0; i + 1 < threads_.size(); ++i) {
    for (const std::uint8_t message : threads_[i].reads) {
      out += std::to_string(message);
      out += ' ';
    }
    out += "| ";
  }
  return out;
}

void Explorer::remark(std::string text) {
  if (!tracing_) return;
  Event event;
  event.thread = self().name;
  event.location = std::move(text);
  trace_.add(std::move(event));
}

int Explorer::locate(const Word* word) {
  const std::less<const Word*> before;
  if (!before(word, arena_.data()) && before(word, arena_.data() + words_used_)) {
    const int location = location_of_[static_cast<std::size_t>(word - arena_.data())];
    if (location >= 0) return location;
  }
  fail("a word is touched that does not belong to the structure");
}

void Explorer::after_operation() {
  if (!memory_.fault().empty()) fail(memory_.fault());
}

void Explorer::fail(std::string what) {
  if (running_ == kOver) {
    std::fprintf(stderr, "model: outside of a thread: %s\n", what.c_str());
    std::abort();
  }
  remark("VIOLATED: " + what);
  failure_ = std::move(what);
  status_ = Status::Failed;
  Fiber& from = fiber_of(std::exchange(running_, kOver));
  Fiber::change(from, main_);
  std::abort();  // a failed execution is never continued
}

}  // namespace rise::model
