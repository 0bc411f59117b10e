// What TCP over DPDK is made of beside lwIP: numbers that cannot be guessed, bytes that are kept.
#include <CppUTest/TestHarness.h>

#include <string>
#include <vector>

#include "rt_core/io/dpdk/tcp/kept_queue.hpp"
#include "rt_core/io/dpdk/tcp/secret_hash.hpp"

using namespace rise::io;
using namespace rise::io::dpdk;

TEST_GROUP(IoDpdkTcpParts) {
  std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(kSendQueueBytes);
  KeptQueue queue;

  void setup() override { queue.attach(memory.data()); }
  void append(const std::string& text) {
    queue.append(reinterpret_cast<const std::uint8_t*>(text.data()),
                 static_cast<std::uint32_t>(text.size()));
  }
  std::string take(std::uint32_t limit) {
    std::uint32_t length = 0;
    const std::uint8_t* bytes = queue.next(&length);
    length = length < limit ? length : limit;
    queue.take(length);
    return {bytes, bytes + length};
  }
};

// Key and message 00 01 02 ..., as in the function's reference vectors.
TEST(IoDpdkTcpParts, TheHashIsSipHash) {
  const SecretKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  CHECK(secret_hash(key, 0x0706050403020100, 0x0f0e0d0c0b0a0908) == 0x3f2acc7f57c29bdb);
}

TEST(IoDpdkTcpParts, EveryBitOfKeyAndMessageCounts) {
  const std::uint64_t before = secret_hash({1, 2}, 3, 4);
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t one = std::uint64_t{1} << bit;
    CHECK(secret_hash({1 ^ one, 2}, 3, 4) != before);
    CHECK(secret_hash({1, 2 ^ one}, 3, 4) != before);
    CHECK(secret_hash({1, 2}, 3 ^ one, 4) != before);
    CHECK(secret_hash({1, 2}, 3, 4 ^ one) != before);
  }
}

TEST(IoDpdkTcpParts, BytesStayUntilTheyAreAcknowledged) {
  append("hello");
  LONGS_EQUAL(5, queue.waiting());
  STRCMP_EQUAL("hel", take(3).c_str());
  LONGS_EQUAL(2, queue.waiting());
  LONGS_EQUAL(kSendQueueBytes - 5, queue.room());
  STRCMP_EQUAL("lo", take(100).c_str());
  LONGS_EQUAL(0, queue.waiting());
  CHECK(!queue.empty());
  queue.acknowledge(3);
  LONGS_EQUAL(kSendQueueBytes - 2, queue.room());
  queue.acknowledge(2);
  CHECK(queue.empty());
  LONGS_EQUAL(kSendQueueBytes, queue.room());
}

TEST(IoDpdkTcpParts, AFullQueueThatWrapsGivesTwoPieces) {
  append(std::string(5000, 'a'));
  take(5000);
  queue.acknowledge(5000);
  append(std::string(3192, 'b') + std::string(5000, 'c'));
  LONGS_EQUAL(0, queue.room());
  CHECK(take(kSendQueueBytes) == std::string(3192, 'b'));
  CHECK(take(kSendQueueBytes) == std::string(5000, 'c'));
  LONGS_EQUAL(0, queue.waiting());
  queue.acknowledge(kSendQueueBytes);
  CHECK(queue.empty());
}
