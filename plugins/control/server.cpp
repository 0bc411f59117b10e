#include "plugins/control/server.hpp"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace rise::control {

namespace asio = boost::asio;
using boost::system::error_code;
using Local = asio::local::stream_protocol;

struct Server::State {
  class Connection : public Session, public std::enable_shared_from_this<Connection> {
   public:
    Connection(State* server, Local::socket socket) : server_(server), socket_(std::move(socket)) {}

    void read() {
      asio::async_read_until(socket_, asio::dynamic_buffer(in_, kMaxRequestBytes), '\n',
                             [self = shared_from_this()](error_code error, std::size_t bytes) {
                               if (error) return self->close();
                               const std::string request = self->in_.substr(0, bytes - 1);
                               self->in_.clear();  // one request, one connection
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
      if (!error) {
        auto connection = std::make_shared<Connection>(this, std::move(socket));
        if (open.size() < kConnections) {
          open.insert(connection);
          connection->read();
        }
      }
      accept();
    });
  }

  std::string path;
  Answer answer;
  asio::io_context context{1};
  Local::acceptor acceptor{context};
  std::set<std::shared_ptr<Connection>> open;  // the server's thread alone
  std::thread thread;
};

namespace {

// True: somebody listens there.
bool taken(const std::string& path) {
  asio::io_context context;
  Local::socket socket(context);
  error_code error;
  socket.connect(Local::endpoint(path), error);
  return !error;
}

}  // namespace

Server::Server(std::string path, const std::string& like, Answer answer)
    : state_(std::make_unique<State>()) {
  state_->path = std::move(path);
  state_->answer = std::move(answer);
  const Local::endpoint endpoint(state_->path);
  if (taken(state_->path)) {
    throw std::runtime_error(state_->path + " is another sidecar's");
  }
  (void)::unlink(state_->path.c_str());
  state_->acceptor.open();
  error_code error;
  state_->acceptor.bind(endpoint, error);
  if (error) throw std::runtime_error(state_->path + ": " + error.message());
  // Before listen() nobody gets in.
  struct stat its {};
  const bool shared = ::stat(like.c_str(), &its) == 0 &&
                      ::chown(state_->path.c_str(), static_cast<uid_t>(-1), its.st_gid) == 0;
  if (::chmod(state_->path.c_str(), shared ? 0660 : 0600) != 0) {
    throw std::runtime_error(state_->path + ": its rights cannot be set");
  }
  state_->acceptor.listen();
  state_->accept();
  state_->thread = std::thread([state = state_.get()] {
    ::pthread_setname_np(::pthread_self(), "control");
    state->context.run();
  });
}

Server::~Server() {
  asio::post(state_->context, [state = state_.get()] {
    error_code ignored;
    state->acceptor.close(ignored);
    const auto open = state->open;
    for (const auto& connection : open) connection->close();
  });
  state_->thread.join();
  (void)::unlink(state_->path.c_str());
}

}  // namespace rise::control
