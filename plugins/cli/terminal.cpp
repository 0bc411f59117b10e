#include "plugins/cli/terminal.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "plugins/cli/ending.hpp"

namespace rise::cli {

namespace {

constexpr int kSliceMs = 50;

volatile sig_atomic_t stop_asked = 0;  // SIGTSTP has come
volatile sig_atomic_t continued = 0;   // SIGCONT has come

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigaction(number, &action, nullptr);
}

// The terminal's mode belongs to the job in its foreground. A change from the background stops the
// process (SIGTTOU) until it is brought forward, which interrupts the call.
void set_mode(const termios& mode) {
  while (::tcsetattr(STDIN_FILENO, TCSANOW, &mode) != 0 && errno == EINTR && !ending()) {
  }
}

bool in_foreground(int fd) {
  const pid_t owner = ::tcgetpgrp(fd);
  return owner <= 0 || owner == ::getpgrp();  // none: it controls no jobs
}

void write_all(const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    at += static_cast<std::size_t>(n);
  }
}

// One line, at most `columns` wide; escape sequences take no room, UTF-8 continuation bytes
// neither.
std::string cut(const std::string& line, int columns) {
  std::string out;
  int width = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\033') {
      const std::size_t end = line.find('m', i);
      if (end == std::string::npos) break;
      out += line.substr(i, end - i + 1);
      i = end;
      continue;
    }
    if ((line[i] & 0xc0) != 0x80 && ++width > columns) continue;
    if (width <= columns) out += line[i];
  }
  return out;
}

}  // namespace

bool stdout_is_terminal() {
  static const bool is = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return is;
}

bool stdout_is_ours() { return stdout_is_terminal() && in_foreground(STDOUT_FILENO); }

bool stdout_is_gone() {
  pollfd output{STDOUT_FILENO, 0, 0};
  if (::poll(&output, 1, 0) != 1) return false;
  // A terminal that was hung up says both; it sends SIGHUP to those who are to end with it.
  return (output.revents & POLLERR) != 0 && (output.revents & POLLHUP) == 0;
}

std::string tone(Tone tone, const std::string& text) {
  if (!stdout_is_terminal()) return text;
  switch (tone) {
    case Tone::Plain: return text;
    case Tone::Bold: return "\033[1m" + text + "\033[0m";
    case Tone::Dim: return "\033[2m" + text + "\033[0m";
    case Tone::Good: return "\033[32m" + text + "\033[0m";
    case Tone::Warning: return "\033[33m" + text + "\033[0m";
    case Tone::Bad: return "\033[1;31m" + text + "\033[0m";
  }
  return text;
}

ScreenSize screen_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return {};
  return {size.ws_row, size.ws_col};
}

Screen::Screen() {
  // What is no terminal has no keys: /dev/null would look like one that is held down for ever.
  keyboard_ = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &saved_) == 0;
  keys_ = keyboard_;
  stop_asked = 0;
  continued = 0;
  handle(SIGTSTP, [](int) { stop_asked = 1; });
  handle(SIGCONT, [](int) { continued = 1; });
  enter();
}

Screen::~Screen() {
  leave();
  handle(SIGTSTP, SIG_DFL);
  handle(SIGCONT, SIG_DFL);
}

void Screen::enter() {
  if (keyboard_) {
    termios raw = saved_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // ISIG stays: Ctrl-C is a signal
    set_mode(raw);
  }
  write_all("\033[?1049h\033[?25l\033[2J");
}

void Screen::leave() {
  write_all("\033[?25h\033[?1049l");
  // Not from the background: there it would stop us, and is no longer ours to restore.
  if (keyboard_ && in_foreground(STDIN_FILENO)) set_mode(saved_);
}

// Ctrl-Z: the shell gets its terminal as it was; when we are continued we take it again.
bool Screen::stop_if_asked() {
  if (stop_asked != 0) {
    stop_asked = 0;
    leave();
    handle(SIGTSTP, SIG_DFL);
    ::raise(SIGTSTP);  // returns when we are continued
    handle(SIGTSTP, [](int) { stop_asked = 1; });
    continued = 1;
  }
  if (continued == 0) return false;
  continued = 0;  // also after a SIGSTOP, which nobody can see coming
  enter();
  return true;
}

void Screen::show(const std::string& content) {
  const ScreenSize size = screen_size();
  std::string out = "\033[H";
  std::size_t at = 0;
  for (int row = 0; row < size.rows && at < content.size(); ++row) {
    const std::size_t end = std::min(content.find('\n', at), content.size());
    out += (row == 0 ? "" : "\r\n") + cut(content.substr(at, end - at), size.columns) +
           "\033[0m\033[K";
    at = end + 1;
  }
  write_all(out + "\033[J");
}

char Screen::key(int wait_ms) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::milliseconds(wait_ms);
  while (true) {
    if (stop_if_asked() || ending()) return 0;
    if (const char key = take_key(); key != 0) return key;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return 0;
    // In slices, for a signal that comes just before the wait. A negative descriptor is not
    // looked at.
    pollfd input{keys_ ? STDIN_FILENO : -1, POLLIN, 0};
    if (::poll(&input, 1, static_cast<int>(std::min<long>(left, kSliceMs))) <= 0) continue;
    char bytes[64];
    const ssize_t n = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (n > 0) typed_.append(bytes, static_cast<std::size_t>(n));
    // Its end is always ready to be read: looked at again and again, it would keep a core busy.
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) keys_ = false;
  }
}

// The next of the keys that were typed; an arrow is three bytes, other sequences say nothing to us.
char Screen::take_key() {
  while (!typed_.empty()) {
    if (!typed_.starts_with("\033[") || typed_.size() < 3) {
      const char key = typed_[0];
      typed_.erase(0, 1);
      return key;
    }
    const char code = typed_[2];
    typed_.erase(0, 3);
    switch (code) {
      case 'A': return 'U';
      case 'B': return 'D';
      case 'C': return 'R';
      case 'D': return 'L';
      default: break;
    }
  }
  return 0;
}

}  // namespace rise::cli
