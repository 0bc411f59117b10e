// The event loop of the server: file descriptors and times, one thread, epoll.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace rise::cncsim {

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { close(); }
  void close();
  int release();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

std::int64_t monotonic_ns();

// Something that waits for events or for a time. All calls come from the loop's thread.
class Watcher {
 public:
  virtual ~Watcher() = default;
  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  virtual void on_events(std::uint32_t events) = 0;  // EPOLLIN, ...
  virtual void on_time(std::int64_t now_ns) { (void)now_ns; }

 private:
  friend class Loop;
  std::size_t place_ = std::numeric_limits<std::size_t>::max();  // in the loop's heap
  std::int64_t due_ns_ = 0;
};

class Loop {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  Loop();
  // False: errno tells why.
  bool watch(int fd, std::uint32_t events, Watcher* watcher);
  void change(int fd, std::uint32_t events, Watcher* watcher);
  void forget(int fd);

  // on_time() is called once, at this time or a little later; kNever: not at all. A second call
  // replaces the first.
  void set_time(Watcher* watcher, std::int64_t due_ns);

  // Takes a watcher that must not be destroyed yet: events for it may be under way.
  void bury(std::unique_ptr<Watcher> watcher);

  void run();
  void stop() { running_ = false; }

 private:
  void wait();
  void call_due();
  [[nodiscard]] bool earlier(std::size_t a, std::size_t b) const {
    return heap_[a]->due_ns_ < heap_[b]->due_ns_;
  }
  void swap_places(std::size_t a, std::size_t b);
  void rise_up(std::size_t place);
  void sink(std::size_t place);

  Fd epoll_;
  std::vector<Watcher*> heap_;  // the earliest first; each watcher knows its place
  std::vector<std::unique_ptr<Watcher>> graves_;
  bool running_ = false;
  bool has_fine_wait_ = true;  // epoll_pwait2
};

}  // namespace rise::cncsim
