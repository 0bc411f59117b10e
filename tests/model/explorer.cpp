#include "tests/model/explorer.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace rise::model {

Explorer* Explorer::current_ = nullptr;

// ---- set-up

Explorer::Explorer(Options options) : options_(std::move(options)) { location_of_.fill(-1); }

Word* Explorer::words(std::size_t count) {
  if (words_used_ + count > kWordsMax) {
    std::fprintf(stderr, "model: more than %zu words; raise kWordsMax\n", kWordsMax);
    std::abort();
  }
  Word* const first = arena_.data() + words_used_;
  words_used_ += count;
  return first;
}

void Explorer::name(const Word* word, std::string name, Role role, Sharing sharing) {
  location_of_[static_cast<std::size_t>(word - arena_.data())] =
      static_cast<std::int8_t>(memory_.declare(std::move(name), role, sharing));
}

void Explorer::thread(std::string name, std::function<void()> body) {
  Thread thread;
  thread.name = std::move(name);
  thread.body = std::move(body);
  thread.fiber = std::make_unique<Fiber>();
  threads_.push_back(std::move(thread));
}

// ---- the walk

Result Explorer::explore() {
  thread(
      "end", at_end_ ? at_end_ : [] {});
  Explorer* const outer = std::exchange(current_, this);
  Result result;
  if (options_.replay.empty()) {
    do {
      run_once();
      ++(status_ == Status::Cut ? result.cut : result.executions);
      if (options_.collect && status_ == Status::Complete) result.reads.insert(reads());
    } while (status_ != Status::Failed && result.executions < options_.executions_max &&
             choices_.advance());
    result.complete = status_ != Status::Failed && result.executions < options_.executions_max;
  }
  if (status_ == Status::Failed || !options_.replay.empty()) {
    // Once more, telling everything.
    if (!options_.replay.empty() && !choices_.parse(options_.replay)) {
      failure_ = "the choices to replay are not numbers with points between them";
      status_ = Status::Failed;
    } else {
      tracing_ = true;
      run_once();
    }
    result.failure = status_ == Status::Failed ? failure_ : "";
    result.choices = choices_.text();
    result.trace = trace_.text();
  }
  result.weakened = weakened_;
  current_ = outer;
  return result;
}

void Explorer::run_once() {
  const int count = static_cast<int>(threads_.size());
  memory_.restart(count);
  choices_.rewind();
  trace_.clear();
  status_ = Status::Running;
  for (int i = 0; i < count; ++i) {
    Thread& thread = threads_[static_cast<std::size_t>(i)];
    thread.state = i + 1 == count ? State::Absent : State::Running;
    thread.wanted = 0;
    thread.reads.clear();
    if (!thread.parked) thread.fiber->prepare(&Explorer::fiber_main, i);
  }
  if (at_start_) at_start_();
  running_ = pick();
  if (running_ != kOver) Fiber::change(main_, fiber_of(running_));
  if (status_ == Status::Failed) return;
  choices_.finish();
  if (choices_.diverged()) {
    status_ = Status::Failed;
    failure_ = "the program does not follow its recorded choices";
  }
}

void Explorer::fiber_main(int index) {
  for (;;) {
    Explorer& explorer = *current_;
    Thread& thread = explorer.threads_[static_cast<std::size_t>(index)];
    thread.parked = false;
    thread.body();
    thread.state = State::Done;
    thread.parked = true;
    explorer.go_on();
  }
}

Fiber& Explorer::fiber_of(int index) {
  return index == kOver ? main_ : *threads_[static_cast<std::size_t>(index)].fiber;
}

void Explorer::go_on() {
  const int next = pick();
  if (next == running_) return;
  Fiber& from = fiber_of(running_);
  running_ = next;
  Fiber::change(from, fiber_of(next));
}

// ---- whose turn it is

int Explorer::pick() {
  if (status_ != Status::Running) return kOver;
  const int end = static_cast<int>(threads_.size()) - 1;
  bool live = false;
  for (int i = 0; i < end; ++i) {
    const State state = threads_[static_cast<std::size_t>(i)].state;
    if (state == State::Running) return i;  // has not come to its first operation yet
    live = live || state == State::Pending;
  }
  if (!live) {
    Thread& last = threads_[static_cast<std::size_t>(end)];
    if (last.state == State::Absent) {
      memory_.join_all(end);
      last.state = State::Running;
      return end;
    }
    if (last.state == State::Done) {
      status_ = Status::Complete;
      return kOver;
    }
  }
  const int next = options_.reduce ? pick_reduced() : pick_any();
  if (choices_.diverged()) return kOver;
  if (next != kOver) threads_[static_cast<std::size_t>(next)].state = State::Running;
  return next;
}

// Stores and local fences have already been run, so all live threads stand before a load or a
// seq_cst fence. One of them either goes ahead with what there is, or sleeps until there is more.
int Explorer::pick_reduced() {
  for (;;) {
    int next = kOver;
    for (int i = 0; i < static_cast<int>(threads_.size()); ++i) {
      const Thread& thread = threads_[static_cast<std::size_t>(i)];
      if (thread.state != State::Pending) continue;
      const bool awake = thread.wanted <= alternatives(i).last;
      if (!awake && !may_grow(i)) {
        next = kOver;  // it waits for what will never come
        break;
      }
      if (awake && (next == kOver || i == running_)) next = i;
    }
    if (next == kOver) {
      status_ = Status::Cut;
      return kOver;
    }
    Thread& thread = threads_[static_cast<std::size_t>(next)];
    const auto [first, last] = alternatives(next);
    const unsigned count = last - first + 1;
    const unsigned all = count + (may_grow(next) ? 1 : 0);
    const unsigned taken = all == 1 ? 0 : choices_.choose(all);
    if (taken < count) {
      thread.message = first + taken;
      thread.wanted = 0;
      return next;
    }
    thread.wanted = last + 1;
  }
}

int Explorer::pick_any() {
  std::array<int, kThreadsMax> live{};
  unsigned count = 0;
  for (int i = 0; i < static_cast<int>(threads_.size()); ++i) {
    if (threads_[static_cast<std::size_t>(i)].state == State::Pending) live[count++] = i;
  }
  const int next = live[count == 1 ? 0 : choices_.choose(count)];
  Thread& thread = threads_[static_cast<std::size_t>(next)];
  if (thread.operation == Operation::Load) {
    const auto [first, last] = alternatives(next);
    thread.message = first == last ? first : first + choices_.choose(last - first + 1);
  }
  return next;
}

// What a pending operation can go ahead with. For a seq_cst fence: its number in their order.
WeakMemory::Range Explorer::alternatives(int index) const {
  const Thread& thread = threads_[static_cast<std::size_t>(index)];
  if (thread.sequential) return {memory_.sequential_fences(), memory_.sequential_fences()};
  WeakMemory::Range range = memory_.readable(index, thread.location);
  if (thread.wanted > range.first && thread.wanted <= range.last) range.first = thread.wanted;
  return range;
}

// Whether another thread may yet add to what a pending operation depends on.
bool Explorer::may_grow(int index) const {
  const Thread& thread = threads_[static_cast<std::size_t>(index)];
  const int writer = thread.sequential ? -1 : memory_.writer(thread.location);
  if (writer >= 0) {
    return writer != index && threads_[static_cast<std::size_t>(writer)].state != State::Done;
  }
  for (int i = 0; i + 1 < static_cast<int>(threads_.size()); ++i) {
    if (i != index && threads_[static_cast<std::size_t>(i)].state != State::Done) return true;
  }
  return false;
}

void Explorer::announce(Operation operation, int location, bool sequential) {
  Thread& thread = self();
  thread.operation = operation;
  thread.location = location;
  thread.sequential = sequential;
  if (options_.reduce) {
    if (operation == Operation::Store || (operation == Operation::Fence && !sequential)) return;
    if (operation == Operation::Load) {
      const auto [first, last] = alternatives(running_);
      thread.message = last;
      if (first == last && !may_grow(running_)) return;
    }
  }
  thread.state = State::Pending;
  go_on();
}

}  // namespace rise::model
