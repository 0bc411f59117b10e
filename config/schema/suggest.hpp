// "Did you mean ...?" for keys and values that do not exist.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rise::config {

// The candidate nearest to `word` by edit distance (insert, delete, replace, swap of neighbours),
// or empty if none is near enough to be a typing error (a third of the length, at least 1).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace rise::config
