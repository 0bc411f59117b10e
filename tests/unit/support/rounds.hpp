// How often a test with random input goes round.
#pragma once

namespace rise::test {

// All of them as built for release; under the sanitizers, which take ten times as long, a quarter.
constexpr int rounds(int all) {
#if defined(RISE_ASAN) || defined(RISE_TSAN)
  return all / 4;
#else
  return all;
#endif
}

}  // namespace rise::test
