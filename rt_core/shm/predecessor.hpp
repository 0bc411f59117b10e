// What an earlier core of the same name has left: looked at before it is removed. Nothing of it is
// mapped and nothing is followed blindly: the `in` file may hold whatever its writers liked, and
// may shrink while it is read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rt_core/result.hpp"
#include "rt_core/shm/layout.hpp"

namespace rise::shm {

struct Predecessor {
  bool unclean = false;  // it was there, and had not ended in an orderly way
  Word stop_word = 0;    // as it stood; 0 if it could not be read
  bool tripped = false;  // a machine's published safety state was Tripped
  Death death{};         // of what it died, as far as it could be noted
  std::string kept;      // the copy of its region; empty: none was made
  std::string not_kept;  // why not
};

struct Remains {
  Predecessor predecessor;
  std::uint32_t pid = 0;          // 0: nothing of a core was there
  std::vector<std::string> outs;  // `out` files to be removed
};

// Set-up code. Reads `in` and every one of `outs` that exists; changes nothing. Fails if one of
// them belongs to a core that lives, or cannot be looked at.
Result<Remains> look_at_remains(const std::string& in, const std::vector<std::string>& outs);

// A copy of `out` as FOLDER/rise.NAME-UTC.out, for `rise trace --crash`; of each name the newest
// five stay. Made before abandon().
Result<std::string> keep_remains(const std::string& out, const std::string& name,
                                 const std::string& folder);

// Tells those who still have the file mapped that nothing more will come, and removes it.
void abandon(const std::string& out);

}  // namespace rise::shm
