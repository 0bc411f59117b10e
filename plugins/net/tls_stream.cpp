// mbedTLS 2.28 (Debian 12) and 3.6 (Debian 13): where they differ, it is in this file.
#include "plugins/net/tls_stream.hpp"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

namespace rise::net {

namespace {

// Authenticated encryption and fresh keys only.
constexpr int kSuites[] = {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    0,
};

std::string text_of(int error) {
  char text[160] = "";
  mbedtls_strerror(error, text, sizeof text);
  return text;
}

// Nobody deletes a category; Boost's has no virtual destructor.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class Category : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int value) const override { return "TLS: " + text_of(value); }
};
#pragma GCC diagnostic pop

int parse_key(mbedtls_pk_context* key, const std::string& file, mbedtls_ctr_drbg_context* random) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  return mbedtls_pk_parse_keyfile(key, file.c_str(), nullptr, mbedtls_ctr_drbg_random, random);
#else
  static_cast<void>(random);
  return mbedtls_pk_parse_keyfile(key, file.c_str(), nullptr);
#endif
}

// Not a fault, and not data either: read on.
bool is_ticket(int result) {
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
  return result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
  static_cast<void>(result);
  return false;
#endif
}

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error("tls: " + what + ": " + text_of(error));
}

}  // namespace

const boost::system::error_category& tls_category() {
  static const Category category;
  return category;
}

struct TlsContext::State {
  mbedtls_entropy_context entropy;
  mutable mbedtls_ctr_drbg_context random;
  mbedtls_x509_crt authorities;
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
  mbedtls_ssl_config config;

  State() {
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_x509_crt_init(&authorities);
    mbedtls_x509_crt_init(&certificate);
    mbedtls_pk_init(&key);
    mbedtls_ssl_config_init(&config);
  }
  ~State() {
    mbedtls_ssl_config_free(&config);
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&certificate);
    mbedtls_x509_crt_free(&authorities);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

TlsContext::TlsContext() : state_(std::make_unique<State>()) {}
TlsContext::~TlsContext() = default;

std::shared_ptr<TlsContext> TlsContext::client(const TlsOptions& options) {
  if (options.ca_file.empty() && !options.insecure) {
    throw std::runtime_error(
        "tls: no ca_file: name the authority that the server's certificate comes from, "
        "or say insecure");
  }
  const std::shared_ptr<TlsContext> context(new TlsContext());
  context->load(options, false);
  return context;
}

std::shared_ptr<TlsContext> TlsContext::server(const TlsOptions& options) {
  if (options.certificate_file.empty() || options.key_file.empty()) {
    throw std::runtime_error("tls: a server needs certificate_file and key_file");
  }
  const std::shared_ptr<TlsContext> context(new TlsContext());
  context->load(options, true);
  return context;
}

void TlsContext::load(const TlsOptions& options, bool is_server) {
  State& s = *state_;
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  // TLS 1.3 does its cryptography there.
  if (psa_crypto_init() != PSA_SUCCESS) throw std::runtime_error("tls: no cryptography (PSA)");
#endif
  int result = mbedtls_ctr_drbg_seed(&s.random, mbedtls_entropy_func, &s.entropy, nullptr, 0);
  if (result != 0) fail("no random numbers", result);
  result = mbedtls_ssl_config_defaults(&s.config,
                                       is_server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                       MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  if (result != 0) fail("config", result);
  mbedtls_ssl_conf_rng(&s.config, mbedtls_ctr_drbg_random, &s.random);
  // Debian's build of 2.28 would also do 1.0.
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  mbedtls_ssl_conf_min_tls_version(&s.config, MBEDTLS_SSL_VERSION_TLS1_2);
#else
  // 3.3 is how the protocol numbers TLS 1.2.
  mbedtls_ssl_conf_min_version(&s.config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
  mbedtls_ssl_conf_ciphersuites(&s.config, kSuites);
  if (!options.ca_file.empty()) {
    result = mbedtls_x509_crt_parse_file(&s.authorities, options.ca_file.c_str());
    // Above 0: so many certificates of the file could not be read.
    if (result != 0) fail("ca_file " + options.ca_file, result > 0 ? 0 : result);
    mbedtls_ssl_conf_ca_chain(&s.config, &s.authorities, nullptr);
  }
  if (!options.certificate_file.empty()) {
    result = mbedtls_x509_crt_parse_file(&s.certificate, options.certificate_file.c_str());
    if (result != 0) fail("certificate_file " + options.certificate_file, result > 0 ? 0 : result);
    result = parse_key(&s.key, options.key_file, &s.random);
    if (result != 0) fail("key_file " + options.key_file, result);
    result = mbedtls_ssl_conf_own_cert(&s.config, &s.certificate, &s.key);
    if (result != 0) fail("certificate_file and key_file", result);
  }
  const bool judge = is_server ? !options.ca_file.empty() : !options.insecure;
  mbedtls_ssl_conf_authmode(&s.config,
                            judge ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
}

struct TlsEngine::State {
  std::shared_ptr<TlsContext> context;
  mbedtls_ssl_context ssl;
  int socket = -1;

  explicit State(std::shared_ptr<TlsContext> from) : context(std::move(from)) {
    mbedtls_ssl_init(&ssl);
  }
  ~State() { mbedtls_ssl_free(&ssl); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  static int send(void* self, const unsigned char* bytes, std::size_t length) {
    const ssize_t done =
        ::send(static_cast<State*>(self)->socket, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (done >= 0) return static_cast<int>(done);
    const bool later = errno == EAGAIN || errno == EINTR;
    return later ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_CONN_EOF;
  }
  static int receive(void* self, unsigned char* bytes, std::size_t room) {
    const ssize_t done = ::recv(static_cast<State*>(self)->socket, bytes, room, MSG_DONTWAIT);
    if (done >= 0) return static_cast<int>(done);
    const bool later = errno == EAGAIN || errno == EINTR;
    return later ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_CONN_EOF;
  }

  static Step step_of(int result) {
    Step step;
    if (result >= 0) {
      step.bytes = static_cast<std::size_t>(result);
    } else if (result == MBEDTLS_ERR_SSL_WANT_READ || is_ticket(result)) {
      step.want = Want::Read;
    } else if (result == MBEDTLS_ERR_SSL_WANT_WRITE) {
      step.want = Want::Write;
    } else if (result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
      step.error = boost::asio::error::eof;
    } else if (result == MBEDTLS_ERR_SSL_CONN_EOF) {
      step.error = boost::asio::error::connection_reset;
    } else {
      step.error = {result, tls_category()};
    }
    return step;
  }
};

TlsEngine::TlsEngine(std::shared_ptr<TlsContext> context, const std::string& name)
    : state_(std::make_unique<State>(std::move(context))) {
  int result = mbedtls_ssl_setup(&state_->ssl, &state_->context->state().config);
  if (result != 0) fail("set-up", result);
  // Without a name any certificate of the authority would do.
  if (!name.empty()) {
    result = mbedtls_ssl_set_hostname(&state_->ssl, name.c_str());
    if (result != 0) fail("server name " + name, result);
  }
  mbedtls_ssl_set_bio(&state_->ssl, state_.get(), State::send, State::receive, nullptr);
}

TlsEngine::~TlsEngine() = default;

void TlsEngine::use(int socket) { state_->socket = socket; }

TlsEngine::Step TlsEngine::handshake() {
  return State::step_of(mbedtls_ssl_handshake(&state_->ssl));
}

TlsEngine::Step TlsEngine::read(void* to, std::size_t room) {
  if (room == 0) return {};
  int result = 0;
  do {
    result = mbedtls_ssl_read(&state_->ssl, static_cast<unsigned char*>(to), room);
  } while (is_ticket(result));
  // 0: the connection ended without a good-bye: somebody may have cut it.
  return State::step_of(result == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : result);
}

TlsEngine::Step TlsEngine::write(const void* from, std::size_t length) {
  if (length == 0) return {};
  return State::step_of(
      mbedtls_ssl_write(&state_->ssl, static_cast<const unsigned char*>(from), length));
}

TlsEngine::Step TlsEngine::close_notify() {
  return State::step_of(mbedtls_ssl_close_notify(&state_->ssl));
}

std::string TlsEngine::why() const {
  const std::uint32_t flags = mbedtls_ssl_get_verify_result(&state_->ssl);
  if (flags == 0 || flags == ~std::uint32_t{0}) return "";  // fine; or not come to that
  char text[512] = "";
  mbedtls_x509_crt_verify_info(text, sizeof text, "", flags);
  std::string why = text;
  for (char& c : why) {
    if (c == '\n') c = ' ';
  }
  while (!why.empty() && why.back() == ' ') why.pop_back();
  return why;
}

std::string TlsEngine::session() const {
  const char* suite = mbedtls_ssl_get_ciphersuite(&state_->ssl);
  return std::string(mbedtls_ssl_get_version(&state_->ssl)) + ", " + (suite ? suite : "no suite");
}

}  // namespace rise::net
