// CRC-32C (Castagnoli, RFC 3720 B.4), by which recordings find damage. Off the lanes: some 1 GB/s.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rise::record {

// `before`: the result over the bytes before these, 0 if there are none.
std::uint32_t crc32c(const void* bytes, std::size_t length, std::uint32_t before = 0);

}  // namespace rise::record
