#include "plugins/store/cursor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "plugins/store/state.hpp"

namespace rise::store {

namespace {

// It is not the file's fault, and passes.
bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR || error == EAGAIN;
}

}  // namespace

std::optional<Record> Cursor::next() {
  while (true) {
    const auto view = log_->locate(segment_, finished_, &expected_);
    if (!view) return std::nullopt;
    if (view->name != segment_) {
      const int error = enter(view->name);
      if (error != 0 && is_shortage(error)) return std::nullopt;
      // A whole segment before it is not there. Numbers between the two were never given.
      pass(view->after);
      expected_ = std::max(expected_, view->name.first);
    }
    if (!finished_ && (view->active || expected_ <= view->last)) {
      const auto found = scanner_.next(view->end, expected_, view->last + 1);
      if (scanner_.unreadable_pages() != 0) log_->tell_unreadable(segment_);
      if (found) {
        const std::uint64_t expected = std::exchange(expected_, found->number + 1);
        if (role_ == Role::Probe) return Record{found->number, found->time_ns, found->payload};
        const auto again = log_->hand_out(found->number, expected);
        if (!again) continue;  // acknowledged or dropped while it was read
        return Record{found->number, found->time_ns, found->payload, *again};
      }
      if (view->active) return std::nullopt;
    }
    finished_ = true;
    pass(view->last);
  }
}

// Up to this number nothing more comes.
void Cursor::pass(std::uint64_t last) {
  if (expected_ > last) return;
  if (role_ == Role::Reader) log_->missing(expected_, last);
  expected_ = last + 1;
}

int Cursor::enter(const SegmentName& name) {
  const auto opened = log_->open(name);
  if (opened.error != 0) {
    if (is_shortage(opened.error)) {
      log_->tell(std::string("cannot read now: ") + std::strerror(opened.error));
      return opened.error;
    }
    if (role_ == Role::Reader) log_->set_aside(name, opened.error);
    segment_ = name;
    finished_ = true;
    return opened.error;
  }
  segment_ = name;
  finished_ = false;
  scanner_.begin(opened.file, name);
  return 0;
}

void Cursor::rewind() {
  segment_ = {};
  finished_ = false;
  expected_ = 1;
}

}  // namespace rise::store
