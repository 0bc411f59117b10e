#include "plugins/cli/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rise::cli {

namespace {

termios saved_mode{};
bool mode_saved = false;

void write_all(const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data() + at, text.size() - at);
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
  if (::tcgetattr(STDIN_FILENO, &saved_mode) == 0) {
    mode_saved = true;
    termios raw = saved_mode;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // ISIG stays: Ctrl-C is a signal
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  write_all("\033[?1049h\033[?25l\033[2J");
}

Screen::~Screen() {
  write_all("\033[?25h\033[?1049l");
  if (mode_saved) ::tcsetattr(STDIN_FILENO, TCSANOW, &saved_mode);
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
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (::poll(&input, 1, wait_ms) <= 0) return 0;
  char bytes[8] = {};
  const ssize_t n = ::read(STDIN_FILENO, bytes, sizeof bytes);
  if (n >= 3 && bytes[0] == '\033' && bytes[1] == '[') {
    switch (bytes[2]) {
      case 'A': return 'U';
      case 'B': return 'D';
      case 'C': return 'R';
      case 'D': return 'L';
      default: return 0;
    }
  }
  return n > 0 ? bytes[0] : '\0';
}

}  // namespace rise::cli
