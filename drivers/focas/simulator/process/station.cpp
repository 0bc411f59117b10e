#include "drivers/focas/simulator/process/station.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "drivers/focas/simulator/process/sockets.hpp"

namespace rise::cncsim {

namespace {

// A client that takes nothing is not read from beyond this.
constexpr std::size_t kMostUnsent = 1u << 20;
constexpr int kAcceptsPerEvent = 64;

}  // namespace

// -------------------------------------------------------------------------------------------
// Peer

Peer::Peer(Loop& loop, Station& station, Fd fd, std::uint32_t connection)
    : loop_(loop),
      station_(station),
      fd_(std::move(fd)),
      connection_(connection),
      interest_(EPOLLIN) {
  loop_.watch(fd_.get(), interest_, this);
}

void Peer::on_events(std::uint32_t events) {
  if (!fd_.is_open()) return;  // closed by an earlier event of the same batch
  if ((events & EPOLLOUT) != 0) {
    send(!ending_);
    if (!fd_.is_open()) return;
  }
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) receive();
}

void Peer::receive() {
  std::array<std::uint8_t, 16384> buffer;
  const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return leave(false);
  if (n < 0 || ending_) return;
  const focas::wire::Bytes bytes(buffer.data(), static_cast<std::size_t>(n));
  send(station_.machine_.sessions.on_bytes(connection_, bytes, monotonic_ns(), &out_));
}

void Peer::on_time(std::int64_t now_ns) {
  if (!fd_.is_open() || ending_) return;
  send(station_.machine_.sessions.poll(connection_, now_ns, &out_));
}

void Peer::send(bool alive) {
  while (sent_ < out_.size()) {
    const ssize_t n = ::send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return leave(false);
    sent_ += static_cast<std::size_t>(n);
  }
  const bool all = sent_ == out_.size();
  if (all) {
    out_.clear();
    sent_ = 0;
  }
  if (!alive && (all || station_.machine_.sessions.was_reset(connection_))) {
    return leave(station_.machine_.sessions.was_reset(connection_));
  }
  ending_ = !alive;
  set_interest();
  if (!ending_) loop_.set_time(this, station_.machine_.sessions.next_due_ns(connection_));
}

void Peer::set_interest() {
  std::uint32_t wanted = 0;
  if (out_.size() - sent_ < kMostUnsent) wanted |= EPOLLIN;
  if (!out_.empty()) wanted |= EPOLLOUT;
  if (wanted == interest_) return;
  interest_ = wanted;
  loop_.change(fd_.get(), interest_, this);
}

void Peer::leave(bool reset) {
  if (reset) reset_on_close(fd_.get());
  loop_.forget(fd_.get());
  fd_.close();
  station_.machine_.sessions.disconnect(connection_);
  station_.remove(this);
}

// -------------------------------------------------------------------------------------------
// Station

Station::~Station() {
  for (const auto& peer : peers_) loop_.set_time(peer.get(), Loop::kNever);
}

bool Station::listen(std::string* fault) {
  listener_ = listen_tcp(machine_.spec.address, machine_.spec.port, fault);
  if (!listener_.is_open()) return false;
  loop_.watch(listener_.get(), EPOLLIN, this);
  if (!spare_.is_open()) spare_ = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return true;
}

void Station::refresh(std::int64_t now_ns) {
  machine_.sessions.advance(now_ns);
  const bool wanted = machine_.sessions.listening();
  if (wanted == listener_.is_open()) return;
  if (wanted) {
    std::string ignored;  // tried again with the next refresh
    listen(&ignored);
  } else {
    loop_.forget(listener_.get());
    listener_.close();
  }
}

void Station::on_events(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerEvent && listener_.is_open(); ++i) {
    bool exhausted = false;
    Fd fd = accept_next(listener_.get(), &exhausted);
    if (exhausted) {  // refuse the client, otherwise its event would come for ever
      spare_.close();
      fd = accept_next(listener_.get(), &exhausted);
      fd.close();
      spare_ = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      return;
    }
    if (!fd.is_open()) return;
    const std::uint32_t connection = machine_.sessions.connect(monotonic_ns());
    if (connection == 0) {
      reset_on_close(fd.get());
      continue;
    }
    set_no_delay(fd.get());
    peers_.push_back(std::make_unique<Peer>(loop_, *this, std::move(fd), connection));
    peers_.back()->place_ = peers_.size() - 1;
  }
}

void Station::remove(Peer* peer) {
  const std::size_t place = peer->place_;
  std::unique_ptr<Peer> gone = std::move(peers_[place]);
  if (place + 1 < peers_.size()) {
    peers_[place] = std::move(peers_.back());
    peers_[place]->place_ = place;
  }
  peers_.pop_back();
  loop_.bury(std::move(gone));
}

}  // namespace rise::cncsim
