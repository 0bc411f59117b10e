// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash whose results tell nothing of the key.
// For numbers that must not be guessed from outside: sequence numbers (RFC 6528), ports (RFC 6056).
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace rise::io::dpdk {

using SecretKey = std::array<std::uint64_t, 2>;

// Of two words; their length, 16 bytes, stands in the last block as the function wants it.
inline std::uint64_t secret_hash(const SecretKey& key, std::uint64_t first, std::uint64_t second) {
  std::uint64_t a = key[0] ^ 0x736f6d6570736575;
  std::uint64_t b = key[1] ^ 0x646f72616e646f6d;
  std::uint64_t c = key[0] ^ 0x6c7967656e657261;
  std::uint64_t d = key[1] ^ 0x7465646279746573;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      a += b;
      c += d;
      b = std::rotl(b, 13) ^ a;
      d = std::rotl(d, 16) ^ c;
      a = std::rotl(a, 32);
      c += b;
      a += d;
      b = std::rotl(b, 17) ^ c;
      d = std::rotl(d, 21) ^ a;
      c = std::rotl(c, 32);
    }
  };
  for (const std::uint64_t block : {first, second, std::uint64_t{16} << 56}) {
    d ^= block;
    rounds(2);
    a ^= block;
  }
  c ^= 0xff;
  rounds(4);
  return a ^ b ^ c ^ d;
}

}  // namespace rise::io::dpdk
