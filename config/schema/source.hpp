// Where a program's config comes from: a file, or the text that is built into the program.
#pragma once

#include <string>
#include <vector>

#include "config/schema/document.hpp"

namespace rise::config {

struct Source {
  std::string name;  // for messages: the path, or that of the built-in text
  std::string text;
  std::string fault;  // not empty: it cannot be read, and why
};

// `path` empty: the built-in text, known as `built_in_name`.
Source read_source(const std::string& path, const char* built_in_name, const char* built_in_text);

// Prints each on stderr, by line and key. -> true: there is none.
bool tell_problems(const std::vector<Problem>& problems, const std::string& name);

}  // namespace rise::config
