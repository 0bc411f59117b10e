// TLS 1.2 (and 1.3 with mbedTLS 3.6) over an Asio TCP socket, by mbedTLS. Has what Asio's and
// Beast's templates ask of a stream. One read and one write may be under way at once; all of it on
// one thread (or strand). Moving it is fine while nothing is under way.
//
// Errors are error_codes; of what mbedTLS says, category tls_category() with its text. A peer that
// has said good-bye (close_notify) is asio::error::eof; one that has just gone is not.
#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "plugins/net/tls_context.hpp"

namespace rise::net {

const boost::system::error_category& tls_category();

// The part that is no template. Each call does what can be done without waiting.
class TlsEngine {
 public:
  enum class Want { Nothing, Read, Write };
  struct Step {
    Want want = Want::Nothing;  // call again, with the same arguments, when the socket is ready
    boost::system::error_code error;
    std::size_t bytes = 0;
  };

  // `name`: see TlsOptions::server_name; for a server, empty. Throws std::runtime_error.
  TlsEngine(std::shared_ptr<TlsContext> context, const std::string& name);
  ~TlsEngine();
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;

  // The socket that it sends and receives on from now on.
  void use(int socket);
  Step handshake();
  Step read(void* to, std::size_t room);
  Step write(const void* from, std::size_t length);  // one record: 16 KiB at most
  Step close_notify();
  // Why a handshake has failed, in words: what was wrong with the certificate.
  [[nodiscard]] std::string why() const;
  // "TLSv1.2, TLS-ECDHE-...": of a finished handshake.
  [[nodiscard]] std::string session() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class TlsStream {
 public:
  using next_layer_type = boost::asio::ip::tcp::socket;
  using lowest_layer_type = next_layer_type::lowest_layer_type;
  using executor_type = next_layer_type::executor_type;

  TlsStream(next_layer_type socket, std::shared_ptr<TlsContext> context, const std::string& name)
      : engine_(std::make_unique<TlsEngine>(std::move(context), name)),
        socket_(std::move(socket)) {}

  executor_type get_executor() { return socket_.get_executor(); }
  next_layer_type& next_layer() { return socket_; }
  lowest_layer_type& lowest_layer() { return socket_.lowest_layer(); }
  [[nodiscard]] const TlsEngine& engine() const { return *engine_; }
  TlsEngine& engine() { return *engine_; }

  // void(error_code)
  template <class Token>
  auto async_handshake(Token&& token) {
    engine_->use(socket_.native_handle());
    return start<false>([](TlsEngine* engine) { return engine->handshake(); },
                        std::forward<Token>(token));
  }
  // void(error_code): says good-bye, and does not wait for the answer. The socket stays open.
  template <class Token>
  auto async_shutdown(Token&& token) {
    return start<false>([](TlsEngine* engine) { return engine->close_notify(); },
                        std::forward<Token>(token));
  }
  // void(error_code, std::size_t)
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    const boost::asio::mutable_buffer first = first_of<boost::asio::mutable_buffer>(buffers);
    return start<true>(
        [first](TlsEngine* engine) { return engine->read(first.data(), first.size()); },
        std::forward<Token>(token));
  }
  // void(error_code, std::size_t). Several small buffers go into one record, as Beast's do.
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    const boost::asio::const_buffer first = first_of<boost::asio::const_buffer>(buffers);
    if (first.size() >= boost::asio::buffer_size(buffers)) {
      return start<true>(
          Write{nullptr, static_cast<const char*>(first.data()), std::min(first.size(), kRecord)},
          std::forward<Token>(token));
    }
    auto gathered =
        std::make_shared<std::string>(std::min(boost::asio::buffer_size(buffers), kRecord), '\0');
    boost::asio::buffer_copy(boost::asio::buffer(*gathered), buffers);
    const char* bytes = gathered->data();
    const std::size_t length = gathered->size();
    return start<true>(Write{std::move(gathered), bytes, length}, std::forward<Token>(token));
  }

 private:
  static constexpr std::size_t kRecord = 16384;

  struct Write {
    std::shared_ptr<std::string> gathered;  // keeps `bytes`, unless they are the caller's
    const char* bytes;
    std::size_t length;
    TlsEngine::Step operator()(TlsEngine* engine) const { return engine->write(bytes, length); }
  };

  // Calls `step` until it wants nothing more, waiting for the socket in between. What is ready at
  // the first call is posted: a handler never runs within the call that has started it.
  template <bool kBytes, class Step>
  struct Operation {
    TlsEngine* engine;
    next_layer_type* socket;
    Step step;
    bool begun = false;
    bool posted = false;
    TlsEngine::Step result{};

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}) {
      if (!posted) {
        const bool first = !std::exchange(begun, true);
        if (error) {
          result.error = error;
        } else {
          result = step(engine);
          if (result.want != TlsEngine::Want::Nothing) {
            const auto wait = result.want == TlsEngine::Want::Read ? next_layer_type::wait_read
                                                                   : next_layer_type::wait_write;
            socket->async_wait(wait, std::move(self));
            return;
          }
        }
        if (first) {
          posted = true;
          boost::asio::post(socket->get_executor(), std::move(self));
          return;
        }
      }
      if constexpr (kBytes) {
        self.complete(result.error, result.bytes);
      } else {
        self.complete(result.error);
      }
    }
  };

  template <bool kBytes, class Step, class Token>
  auto start(Step step, Token&& token) {
    using Signature = std::conditional_t<kBytes, void(boost::system::error_code, std::size_t),
                                         void(boost::system::error_code)>;
    return boost::asio::async_compose<Token, Signature>(
        Operation<kBytes, Step>{engine_.get(), &socket_, std::move(step)}, token, socket_);
  }

  // The first buffer that is not empty.
  template <class Buffer, class Buffers>
  static Buffer first_of(const Buffers& buffers) {
    auto at = boost::asio::buffer_sequence_begin(buffers);
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (; at != end; ++at) {
      if (Buffer(*at).size() != 0) return Buffer(*at);
    }
    return {};
  }

  std::unique_ptr<TlsEngine> engine_;
  next_layer_type socket_;
};

// Beast calls this when a WebSocket ends.
template <class Role, class Handler>
void async_teardown(Role, TlsStream& stream, Handler&& handler) {
  stream.async_shutdown(std::forward<Handler>(handler));
}

}  // namespace rise::net
