#include "rt_core/driver/signature.hpp"

#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace rise::driver {

struct TrustedKeys::Key {
  mbedtls_pk_context context;
};

void TrustedKeys::Free::operator()(Key* key) const {
  mbedtls_pk_free(&key->context);
  delete key;
}

namespace {

constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kLongestSignatureBytes = 4096;
using Hash = std::array<unsigned char, kHashBytes>;

// False: it cannot be read.
bool hash_of(int fd, Hash* hash) {
  mbedtls_md_context_t context;
  mbedtls_md_init(&context);
  bool good = mbedtls_md_setup(&context, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0) == 0 &&
              mbedtls_md_starts(&context) == 0;
  std::vector<unsigned char> piece(64 * 1024);
  for (off_t at = 0; good;) {
    const ssize_t length = ::pread(fd, piece.data(), piece.size(), at);
    if (length == 0) break;
    good = length > 0 &&
           mbedtls_md_update(&context, piece.data(), static_cast<std::size_t>(length)) == 0;
    at += length;
  }
  good = good && mbedtls_md_finish(&context, hash->data()) == 0;
  mbedtls_md_free(&context);
  return good;
}

}  // namespace

std::string TrustedKeys::add(const std::string& file) {
  std::unique_ptr<Key, Free> key(new Key);
  mbedtls_pk_init(&key->context);
  if (!std::ifstream(file)) return "cannot be read";
  if (mbedtls_pk_parse_public_keyfile(&key->context, file.c_str()) != 0) {
    return "is no public key (PEM or DER)";
  }
  const bool rsa = mbedtls_pk_can_do(&key->context, MBEDTLS_PK_RSA) != 0;
  if (!rsa && mbedtls_pk_can_do(&key->context, MBEDTLS_PK_ECDSA) == 0) {
    return "is a key of a kind that does not sign: use ECDSA or RSA";
  }
  const unsigned shortest = rsa ? kShortestRsa_bits : kShortestCurve_bits;
  const auto bits = static_cast<unsigned>(mbedtls_pk_get_bitlen(&key->context));
  if (bits < shortest) {
    return "is a key of " + std::to_string(bits) + " bits; at least " + std::to_string(shortest) +
           " are needed";
  }
  keys_.push_back(std::move(key));
  return {};
}

std::string TrustedKeys::fault(int fd, const std::string& signature) const {
  std::ifstream file(signature, std::ios::binary);
  if (!file) return "is not signed: there is no " + signature;
  std::string bytes(kLongestSignatureBytes, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  Hash hash;
  if (!hash_of(fd, &hash)) return "cannot be read";
  const bool signed_by_one =
      std::any_of(keys_.begin(), keys_.end(), [&](const std::unique_ptr<Key, Free>& key) {
        return mbedtls_pk_verify(&key->context, MBEDTLS_MD_SHA256, hash.data(), hash.size(),
                                 reinterpret_cast<const unsigned char*>(bytes.data()),
                                 bytes.size()) == 0;
      });
  if (signed_by_one) return {};
  return "is not what was signed, or not by a key in drivers.trusted_keys: " + signature +
         " does not fit it";
}

}  // namespace rise::driver
