#include "rt_core/core/console.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace rise::core {

Console::Console(int fd) : fd_(fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return;
  socket_ = S_ISSOCK(info.st_mode);
  if (!S_ISFIFO(info.st_mode) && !S_ISCHR(info.st_mode)) return;
  // O_NONBLOCK belongs to the open file, which we share with whoever gave it to us: so it is opened
  // once more. (Not a file on disk: that would begin to write at its start.)
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int again = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (again < 0) return;
  fd_ = again;
  own_ = true;
}

Console::~Console() {
  if (own_) ::close(fd_);
}

bool Console::put(const char* text, std::size_t length) {
  if (socket_) {
    return ::send(fd_, text, length, MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(length);
  }
  // Where it could not be opened once more this look has to do.
  pollfd poll{fd_, POLLOUT, 0};
  if (!own_ && ::poll(&poll, 1, 0) == 0) return false;
  return ::write(fd_, text, length) == static_cast<ssize_t>(length);
}

void Console::line(const char* format, ...) {
  char text[kMaxLine];
  std::size_t length = 0;
  // In one piece with the line itself: the notice alone may find room where a line does not.
  if (dropped_ != 0) {
    length = static_cast<std::size_t>(std::snprintf(text, sizeof text,
                                                    "(%llu lines dropped: nobody read them)\n",
                                                    static_cast<unsigned long long>(dropped_)));
  }
  std::va_list arguments;
  va_start(arguments, format);
  const std::size_t room = sizeof text - length - 1;  // for the newline
  const int wanted = std::vsnprintf(text + length, room, format, arguments);
  va_end(arguments);
  if (wanted < 0) return;
  length += std::min(static_cast<std::size_t>(wanted), room - 1);
  text[length++] = '\n';
  if (put(text, length)) {
    dropped_ = 0;
  } else {
    ++dropped_;
  }
}

}  // namespace rise::core
