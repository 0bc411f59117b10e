// Who made a driver: the signature of its file, checked with the public keys that the config trusts
// (drivers.trusted_keys). Beside focas.so lies focas.so.sig: ECDSA (DER, RFC 3279) or RSA
// (PKCS #1 v1.5, RFC 8017) over the SHA-256 of the file, as `openssl dgst -sha256 -sign` makes it.
//
// Set-up thread, later the caretaker's: one at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rt_core/result.hpp"

namespace rise::driver {

class TrustedKeys {
 public:
  // Shorter keys are refused.
  static constexpr unsigned kShortestRsa_bits = 2048;
  static constexpr unsigned kShortestCurve_bits = 224;

  // Adds the public key in `file`, PEM or DER. Empty: done; else why not.
  std::string add(const std::string& file);
  [[nodiscard]] bool none() const { return keys_.empty(); }
  // Empty: what the open file `fd` holds is signed by one of the keys; else why not. `signature`:
  // path of the signature.
  [[nodiscard]] std::string fault(int fd, const std::string& signature) const;

 private:
  struct Key;
  struct Free {
    void operator()(Key* key) const;
  };
  std::vector<std::unique_ptr<Key, Free>> keys_;
};

}  // namespace rise::driver
