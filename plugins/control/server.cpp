#include "plugins/control/server.hpp"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <future>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace rise::control {

namespace asio = boost::asio;
using boost::system::error_code;
using Local = asio::local::stream_protocol;

struct Server::State {
  class Connection : public Session, public std::enable_shared_from_this<Connection> {
   public:
    Connection(State* server, Local::socket socket)
        : server_(server), socket_(std::move(socket)), deadline_(server->context) {}

    void read() {
      deadline_.expires_after(server_->patience);
      deadline_.async_wait([self = shared_from_this()](error_code error) {
        if (!error) self->close();
      });
      asio::async_read_until(socket_, asio::dynamic_buffer(in_, kMaxRequestBytes), '\n',
                             [self = shared_from_this()](error_code error, std::size_t bytes) {
                               if (error) return self->close();
                               const std::string request = self->in_.substr(0, bytes - 1);
                               std::string().swap(self->in_);  // one request, one connection
                               self->deadline_.cancel();
                               self->kept_ = self->server_->answer(request, self);
                               self->watch();
                             });
    }
    void send(std::string line) override { put(std::move(line), false); }
    void finish(std::string line) override { put(std::move(line), true); }
    void close() {
      const auto self = shared_from_this();
      {
        const std::lock_guard lock(mutex_);
        if (over_) return;
        over_ = true;
        waiting_.clear();
      }
      error_code ignored;
      socket_.close(ignored);
      deadline_.cancel();
      kept_.reset();
      server_->open.erase(self);
    }

   private:
    // Whoever hangs up while he is answered is noticed.
    void watch() {
      asio::async_read(socket_, asio::buffer(&rest_, 1),
                       [self = shared_from_this()](error_code error, std::size_t) {
                         if (error) return self->close();
                         self->watch();
                       });
    }
    void put(std::string line, bool last) {
      const std::lock_guard lock(mutex_);
      if (over_ || last_) return;
      last_ = last;
      if (bytes_ + line.size() > kMaxWaitingBytes && !last) {
        ++dropped_;
        return;
      }
      if (dropped_ != 0) add("{\"dropped\":" + std::to_string(dropped_) + "}");
      dropped_ = 0;
      add(std::move(line));
      if (writing_) return;
      writing_ = true;
      asio::post(server_->context, [self = shared_from_this()] { self->write(); });
    }
    void add(std::string line) {
      // Only between the tokens of JSON there are any.
      std::replace(line.begin(), line.end(), '\n', ' ');
      line += '\n';
      bytes_ += line.size();
      waiting_.push_back(std::move(line));
    }
    void write() {
      bool over = false;
      {
        const std::lock_guard lock(mutex_);
        out_.clear();
        while (!waiting_.empty() && out_.size() < 256u * 1024) {
          out_ += waiting_.front();
          bytes_ -= waiting_.front().size();
          waiting_.pop_front();
        }
        writing_ = !out_.empty();
        over = last_ && waiting_.empty();
      }
      if (out_.empty()) {
        if (over) close();
        return;
      }
      asio::async_write(socket_, asio::buffer(out_),
                        [self = shared_from_this()](error_code error, std::size_t) {
                          if (error) return self->close();
                          self->write();
                        });
    }

    State* server_;
    Local::socket socket_;
    asio::steady_timer deadline_;
    std::string in_;
    std::string out_;
    char rest_ = 0;
    std::shared_ptr<void> kept_;
    std::mutex mutex_;  // what follows
    std::deque<std::string> waiting_;
    std::size_t bytes_ = 0;
    std::uint64_t dropped_ = 0;
    bool writing_ = false;
    bool last_ = false;
    bool over_ = false;
  };

  void accept() {
    acceptor.async_accept([this](error_code error, Local::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        // No file descriptors, say: not again at once.
        pause.expires_after(std::chrono::milliseconds(100));
        pause.async_wait([this](error_code cancelled) {
          if (!cancelled) accept();
        });
        return;
      }
      auto connection = std::make_shared<Connection>(this, std::move(socket));
      if (open.size() < kConnections) {
        open.insert(connection);
        connection->read();
      }
      accept();
    });
  }

  void run() {
    for (bool more = true; more;) {
      try {
        context.run();
        more = false;
      } catch (const std::exception&) {
        // Out of memory, in the middle of an answer: that one has none.
      }
    }
    ended.set_value();
  }

  std::string path;
  std::chrono::milliseconds patience{};
  Answer answer;
  asio::io_context context{1};
  Local::acceptor acceptor{context};
  asio::steady_timer pause{context};
  std::promise<void> ended;
  std::set<std::shared_ptr<Connection>> open;  // the server's thread alone
  std::thread thread;
};

namespace {

// True: somebody may be listening there. Never waits: he may not be accepting.
bool taken(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return true;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return true;
  const int rc = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = rc == 0 ? 0 : errno;
  ::close(fd);
  return error != ECONNREFUSED && error != ENOENT;
}

}  // namespace

Server::Server(std::string path, Answer answer, std::chrono::milliseconds patience)
    : state_(std::make_unique<State>()) {
  state_->path = std::move(path);
  state_->patience = patience;
  state_->answer = std::move(answer);
  if (taken(state_->path)) throw std::runtime_error(state_->path + " is another sidecar's");
  (void)::unlink(state_->path.c_str());
  state_->acceptor.open();
  error_code error;
  state_->acceptor.bind(Local::endpoint(state_->path), error);
  if (error) throw std::runtime_error(state_->path + ": " + error.message());
  // Before listen() nobody gets in.
  if (::chmod(state_->path.c_str(), 0600) != 0) {
    throw std::runtime_error(state_->path + ": its rights cannot be set");
  }
  state_->acceptor.listen();
  state_->accept();
  state_->thread = std::thread([state = state_.get()] {
    ::pthread_setname_np(::pthread_self(), "control");
    state->run();
  });
}

void Server::share(const std::string& like) {
  struct stat its {};
  if (::stat(like.c_str(), &its) != 0) return;
  if (::chown(state_->path.c_str(), static_cast<uid_t>(-1), its.st_gid) != 0) return;
  (void)::chmod(state_->path.c_str(), 0660);
}

bool Server::close() {
  if (state_ == nullptr) return true;
  (void)::unlink(state_->path.c_str());
  asio::post(state_->context, [state = state_.get()] {
    error_code ignored;
    state->acceptor.close(ignored);
    state->pause.cancel();
    const auto open = state->open;
    for (const auto& connection : open) connection->close();
  });
  const bool ended =
      state_->ended.get_future().wait_for(std::chrono::seconds(3)) == std::future_status::ready;
  if (ended) {
    state_->thread.join();
    state_.reset();
  } else {
    state_->thread.detach();
    // For ever, and where it is not taken for a leak.
    static auto* const left_behind = new std::vector<State*>;
    left_behind->push_back(state_.release());
  }
  return ended;
}

Server::~Server() { (void)close(); }

}  // namespace rise::control
