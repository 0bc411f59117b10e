// What TLS connections share: whom we trust, who we are, random numbers. Made once, used by any
// number of streams on any threads.
#pragma once

#include <memory>
#include <string>

namespace rise::net {

struct TlsOptions {
  bool enabled = false;
  // PEM file of the authorities that the other side's certificate has to come from. A client needs
  // it unless `insecure`; a server that has one asks its clients for certificates.
  std::string ca_file;
  // PEM files of our own certificate (with what it needs up to the authority) and its key. A server
  // needs them; a client where the server asks for one. Elliptic curves rather than RSA.
  std::string certificate_file;
  std::string key_file;
  // The DNS name that the server's certificate has to carry, and SNI. Empty: the host that is
  // dialled. Not an address: mbedTLS 2.28 does not compare addresses.
  std::string server_name;
  // Accepts any certificate. For trying things out: whoever sits between can read and change all.
  bool insecure = false;
};

class TlsContext {
 public:
  // Throw std::runtime_error that says which file is at fault and what to do.
  static std::shared_ptr<TlsContext> client(const TlsOptions& options);
  static std::shared_ptr<TlsContext> server(const TlsOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  struct State;
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  TlsContext();
  void load(const TlsOptions& options, bool is_server);
  std::unique_ptr<State> state_;
};

}  // namespace rise::net
