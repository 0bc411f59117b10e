#include "drivers/focas/simulator/process/control_socket.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "drivers/focas/simulator/process/sockets.hpp"

namespace rise::cncsim {

namespace {

constexpr std::size_t kLongestLine = 1u << 20;  // a program may come in one line

}  // namespace

class ControlSocket::Client : public Watcher {
 public:
  Client(ControlSocket& owner, Fd fd) : owner_(owner), fd_(std::move(fd)) {
    owner_.loop_.watch(fd_.get(), EPOLLIN, this);
  }

  void on_events(std::uint32_t events) override {
    if (!fd_.is_open()) return;
    if ((events & EPOLLOUT) != 0 && !send()) return leave();
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !receive()) leave();
  }

 private:
  bool receive() {
    std::array<char, 4096> buffer;
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    in_.append(buffer.data(), static_cast<std::size_t>(n));
    std::size_t end = 0;
    while ((end = in_.find('\n')) != std::string::npos) {
      out_ += owner_.console_.answer(std::string_view(in_).substr(0, end), monotonic_ns()) + "\n";
      in_.erase(0, end + 1);
    }
    if (in_.size() > kLongestLine || out_.size() > kLongestLine) return false;
    return send();
  }

  bool send() {
    while (!out_.empty()) {
      const ssize_t n = ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno != EAGAIN) return false;
      if (n < 0) break;
      out_.erase(0, static_cast<std::size_t>(n));
    }
    owner_.loop_.change(fd_.get(), out_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT, this);
    return true;
  }

  void leave() {
    owner_.loop_.forget(fd_.get());
    fd_.close();
    owner_.remove(this);
  }

  ControlSocket& owner_;
  Fd fd_;
  std::string in_;
  std::string out_;
};

ControlSocket::ControlSocket(Loop& loop, Console& console) : loop_(loop), console_(console) {}

ControlSocket::~ControlSocket() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

bool ControlSocket::listen(const std::string& path, std::string* fault) {
  listener_ = listen_unix(path, fault);
  if (!listener_.is_open()) return false;
  path_ = path;
  return loop_.watch(listener_.get(), EPOLLIN, this);
}

void ControlSocket::on_events(std::uint32_t) {
  bool exhausted = false;
  Fd fd = accept_next(listener_.get(), &exhausted);
  if (fd.is_open()) clients_.push_back(std::make_unique<Client>(*this, std::move(fd)));
}

void ControlSocket::remove(const Client* client) {
  const auto place = std::find_if(clients_.begin(), clients_.end(),
                                  [&](const auto& other) { return other.get() == client; });
  loop_.bury(std::move(*place));
  clients_.erase(place);
}

std::string tell(const std::string& path, const std::string& line, std::string* fault) {
  Fd fd = connect_unix(path, fault);
  if (!fd.is_open()) return "";
  const timeval patience{10, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const std::string text = line + "\n";
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t n = ::send(fd.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) {
      *fault = path + ": the connection was closed before the command was through";
      return "";
    }
    sent += static_cast<std::size_t>(n);
  }
  std::string answer;
  while (!answer.ends_with('\n')) {
    std::array<char, 4096> buffer;
    const ssize_t n = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (n <= 0) {
      *fault = path + ": no answer within 10 s";
      return "";
    }
    answer.append(buffer.data(), static_cast<std::size_t>(n));
  }
  answer.pop_back();
  return answer;
}

}  // namespace rise::cncsim
