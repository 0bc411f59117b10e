#include "plugins/metrics/http_page.hpp"

#include <pthread.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <system_error>
#include <thread>

namespace rise::metrics {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kPatience = std::chrono::seconds(10);  // for a request, and for its answer
constexpr std::size_t kMaxHeaderBytes = 8192;
constexpr std::size_t kMaxBodyBytes = 1024;

}  // namespace

struct HttpPage::Server {
  HttpPageOptions options;
  std::function<std::string()> content;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  std::atomic<std::uint64_t> answered{0};
  std::size_t open = 0;  // the server's thread alone
  std::thread thread;

  class Session : public std::enable_shared_from_this<Session> {
   public:
    Session(Server* server, tcp::socket socket) : server_(server), stream_(std::move(socket)) {
      ++server_->open;
    }
    ~Session() { --server_->open; }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void read() {
      parser_.emplace();
      parser_->header_limit(kMaxHeaderBytes);
      parser_->body_limit(kMaxBodyBytes);
      stream_.expires_after(kPatience);
      http::async_read(stream_, buffer_, *parser_,
                       [self = shared_from_this()](error_code error, std::size_t) {
                         if (!error) self->answer();
                       });
    }

   private:
    void answer() {
      const auto& request = parser_->get();
      answer_ = {};
      answer_.version(request.version());
      answer_.keep_alive(request.keep_alive());
      answer_.set(http::field::content_type, "text/plain; charset=utf-8");
      const std::string_view target(request.target().data(), request.target().size());
      const bool head = request.method() == http::verb::head;
      if (target.substr(0, target.find('?')) != server_->options.path) {
        answer_.result(http::status::not_found);
        answer_.body() = "not found; try " + server_->options.path + "\n";
      } else if (request.method() != http::verb::get && !head) {
        answer_.result(http::status::method_not_allowed);
        answer_.set(http::field::allow, "GET, HEAD");
        answer_.body() = "only GET\n";
      } else {
        answer_.set(http::field::content_type, server_->options.content_type);
        answer_.body() = server_->content();
      }
      answer_.prepare_payload();
      if (head) answer_.body().clear();
      stream_.expires_after(kPatience);
      http::async_write(stream_, answer_,
                        [self = shared_from_this()](error_code error, std::size_t) {
                          ++self->server_->answered;
                          if (!error && self->answer_.keep_alive()) self->read();
                        });
    }

    Server* server_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_{kMaxHeaderBytes + kMaxBodyBytes};
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> answer_;
  };

  void accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error && open < options.connections) {
        std::make_shared<Session>(this, std::move(socket))->read();
      }
      accept();
    });
  }
};

HttpPage::HttpPage(const HttpPageOptions& options, std::function<std::string()> content)
    : server_(std::make_unique<Server>()) {
  server_->options = options;
  server_->content = std::move(content);
  const tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
  server_->acceptor.open(endpoint.protocol());
  server_->acceptor.set_option(tcp::acceptor::reuse_address(true));
  server_->acceptor.bind(endpoint);
  server_->acceptor.listen();
  server_->accept();
  server_->thread = std::thread([server = server_.get()] {
    ::pthread_setname_np(::pthread_self(), "metrics");
    server->context.run();
  });
}

HttpPage::~HttpPage() {
  server_->context.stop();
  server_->thread.join();
}

std::uint16_t HttpPage::port() const { return server_->acceptor.local_endpoint().port(); }

std::uint64_t HttpPage::answered() const { return server_->answered.load(); }

}  // namespace rise::metrics
