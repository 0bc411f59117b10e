#include "plugins/net/socket.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <utility>

#include "plugins/net/tls_stream.hpp"

namespace rise::net {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

std::string text_of(const error_code& error) {
  if (error == asio::error::eof) return "the other side has closed the connection";
  return error.message();
}

class AsioSocket : public Socket, public std::enable_shared_from_this<AsioSocket> {
 public:
  AsioSocket(Loop* loop, std::shared_ptr<TlsContext> tls, std::string server_name)
      : resolver_(loop->context()),
        plain_(loop->context()),
        context_(std::move(tls)),
        server_name_(std::move(server_name)) {}

  void connect(const std::string& host, std::uint16_t port, Done done) override {
    if (server_name_.empty()) server_name_ = host;
    error_code not_an_address;
    const auto address = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) {
      connect_to({tcp::endpoint(address, port)}, std::move(done));
      return;
    }
    resolver_.async_resolve(host, std::to_string(port),
                            [self = shared_from_this(), done = std::move(done)](
                                const error_code& error, const auto& results) mutable {
                              if (error || self->closed_) {
                                done(error ? text_of(error) : "closed", 0);
                                return;
                              }
                              std::vector<tcp::endpoint> endpoints;
                              for (const auto& result : results)
                                endpoints.push_back(result.endpoint());
                              self->connect_to(std::move(endpoints), std::move(done));
                            });
  }

  void read_some(std::span<char> room, Done done) override {
    const auto buffer = asio::buffer(room.data(), room.size());
    auto ended = [self = shared_from_this(), done = std::move(done)](const error_code& error,
                                                                     std::size_t bytes) {
      done(error ? text_of(error) : "", bytes);
    };
    if (tls_) {
      tls_->async_read_some(buffer, std::move(ended));
    } else {
      plain_.async_read_some(buffer, std::move(ended));
    }
  }

  void write(std::string_view bytes, Done done) override {
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    auto ended = [self = shared_from_this(), done = std::move(done)](const error_code& error,
                                                                     std::size_t written) {
      done(error ? text_of(error) : "", written);
    };
    if (tls_) {
      asio::async_write(*tls_, buffer, std::move(ended));
    } else {
      asio::async_write(plain_, buffer, std::move(ended));
    }
  }

  void close() override {
    closed_ = true;
    resolver_.cancel();
    error_code ignored;
    if (tls_) {
      // As far as it goes without waiting; Redis and we frame what we say, so nothing hangs on it.
      if (shaken_) static_cast<void>(tls_->engine().close_notify());
      tls_->next_layer().close(ignored);
    }
    plain_.close(ignored);
  }

 private:
  void connect_to(std::vector<tcp::endpoint> endpoints, Done done) {
    asio::async_connect(plain_, std::move(endpoints),
                        [self = shared_from_this(), done = std::move(done)](
                            const error_code& error, const tcp::endpoint&) mutable {
                          if (error || self->closed_) {
                            done(error ? text_of(error) : "closed", 0);
                            return;
                          }
                          self->connected(std::move(done));
                        });
  }

  void connected(Done done) {
    error_code ignored;
    plain_.set_option(tcp::no_delay(true), ignored);
    if (!context_) {
      done("", 0);
      return;
    }
    try {
      tls_.emplace(std::move(plain_), context_, server_name_);
    } catch (const std::exception& error) {
      done(error.what(), 0);
      return;
    }
    tls_->async_handshake(
        [self = shared_from_this(), done = std::move(done)](const error_code& error) {
          if (!error) {
            self->shaken_ = true;
            done("", 0);
            return;
          }
          const std::string more = self->tls_->engine().why();
          done("TLS handshake: " + text_of(error) + (more.empty() ? "" : ": " + more), 0);
        });
  }

  tcp::resolver resolver_;
  tcp::socket plain_;  // moved into tls_ once it is connected
  std::shared_ptr<TlsContext> context_;
  std::string server_name_;
  std::optional<TlsStream> tls_;
  bool shaken_ = false;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<Socket> Socket::make(Loop* loop, std::shared_ptr<TlsContext> tls,
                                     std::string server_name) {
  return std::make_shared<AsioSocket>(loop, std::move(tls), std::move(server_name));
}

}  // namespace rise::net
