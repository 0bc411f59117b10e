// The decisions of one execution, and the depth-first walk over all of them: an execution repeats
// the decisions recorded so far and takes the first alternative of each new one; advance() turns to
// the next alternative of the last decision that has one left.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rise::model {

class Choices {
 public:
  // Back to the first decision.
  void rewind() { position_ = 0; }
  // The alternative to take, below `count`.
  unsigned choose(unsigned count);
  // At the end of an execution: all that was recorded must have been used.
  void finish() { diverged_ = diverged_ || position_ != choices_.size(); }
  // False: everything has been walked.
  bool advance();

  // "0.2.1", as --replay takes it.
  [[nodiscard]] std::string text() const;
  // False: not such a text.
  bool parse(const std::string& text);
  // A recorded decision did not fit the program: it does not depend on the decisions alone, or the
  // recording is of another program.
  [[nodiscard]] bool diverged() const { return diverged_; }

 private:
  struct Choice {
    std::uint16_t taken = 0;
    std::uint16_t count = 0;  // 0: from a recording, not known yet
  };
  std::vector<Choice> choices_;
  std::size_t position_ = 0;
  bool diverged_ = false;
};

}  // namespace rise::model
