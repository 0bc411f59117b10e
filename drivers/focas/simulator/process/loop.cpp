#include "drivers/focas/simulator/process/loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <utility>

namespace rise::cncsim {

namespace {

constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
constexpr std::int64_t kSecond_ns = 1'000'000'000;

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}

void Fd::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

int Fd::release() { return std::exchange(fd_, -1); }

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * kSecond_ns + now.tv_nsec;
}

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.is_open()) throw std::runtime_error("cannot make an epoll instance");
}

bool Loop::watch(int fd, std::uint32_t events, Watcher* watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = watcher;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::change(int fd, std::uint32_t events, Watcher* watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = watcher;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::forget(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Loop::swap_places(std::size_t a, std::size_t b) {
  std::swap(heap_[a], heap_[b]);
  heap_[a]->place_ = a;
  heap_[b]->place_ = b;
}

void Loop::rise_up(std::size_t place) {
  while (place > 0 && earlier(place, (place - 1) / 2)) {
    swap_places(place, (place - 1) / 2);
    place = (place - 1) / 2;
  }
}

void Loop::sink(std::size_t place) {
  while (true) {
    std::size_t first = place;
    for (const std::size_t child : {2 * place + 1, 2 * place + 2}) {
      if (child < heap_.size() && earlier(child, first)) first = child;
    }
    if (first == place) return;
    swap_places(place, first);
    place = first;
  }
}

void Loop::set_time(Watcher* watcher, std::int64_t due_ns) {
  const bool waits = watcher->place_ != kNowhere;
  if (due_ns == kNever) {
    if (!waits) return;
    const std::size_t place = watcher->place_;
    swap_places(place, heap_.size() - 1);
    heap_.pop_back();
    watcher->place_ = kNowhere;
    if (place < heap_.size()) {
      rise_up(place);
      sink(place);
    }
    return;
  }
  if (waits && watcher->due_ns_ == due_ns) return;
  watcher->due_ns_ = due_ns;
  if (!waits) {
    watcher->place_ = heap_.size();
    heap_.push_back(watcher);
  }
  const std::size_t place = watcher->place_;
  rise_up(place);
  sink(watcher->place_);
}

void Loop::bury(std::unique_ptr<Watcher> watcher) {
  set_time(watcher.get(), kNever);
  graves_.push_back(std::move(watcher));
}

void Loop::run() {
  running_ = true;
  while (running_) {
    wait();
    call_due();
    graves_.clear();
  }
}

void Loop::call_due() {
  if (heap_.empty()) return;
  const std::int64_t now_ns = monotonic_ns();
  // A bound: who asks again for a time that has passed must not starve the sockets.
  for (std::size_t i = heap_.size(); i > 0 && !heap_.empty(); --i) {
    Watcher* watcher = heap_.front();
    if (watcher->due_ns_ > now_ns) return;
    set_time(watcher, kNever);
    watcher->on_time(now_ns);
  }
}

void Loop::wait() {
  std::int64_t left_ns = kSecond_ns;
  if (!heap_.empty()) {
    left_ns = std::clamp<std::int64_t>(heap_.front()->due_ns_ - monotonic_ns(), 0, kSecond_ns);
  }
  epoll_event events[256];
  int count = -1;
  if (has_fine_wait_) {
    const timespec timeout{left_ns / kSecond_ns, left_ns % kSecond_ns};
    count = ::epoll_pwait2(epoll_.get(), events, 256, &timeout, nullptr);
    if (count < 0 && errno != EINTR) has_fine_wait_ = false;  // before Linux 5.11
  }
  if (!has_fine_wait_) {
    const auto left_ms = static_cast<int>((left_ns + 999'999) / 1'000'000);
    count = ::epoll_wait(epoll_.get(), events, 256, left_ms);
  }
  for (int i = 0; i < count; ++i) {
    static_cast<Watcher*>(events[i].data.ptr)->on_events(events[i].events);
  }
}

}  // namespace rise::cncsim
