#include "config/schema/source.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace rise::config {

Source read_source(const std::string& path, const char* built_in_name, const char* built_in_text) {
  if (path.empty()) return {built_in_name, built_in_text, ""};
  // Not by a stream: one that is opened on a folder is good, and empty.
  std::FILE* file = std::fopen(path.c_str(), "re");
  std::string text;
  int error = file == nullptr ? errno : 0;
  if (file != nullptr) {
    char bytes[4096];
    for (std::size_t got; (got = std::fread(bytes, 1, sizeof bytes, file)) > 0;) {
      text.append(bytes, got);
    }
    if (std::ferror(file) != 0) error = errno;
    std::fclose(file);
  }
  if (error == 0) return {path, text, ""};
  return {path, "", path + " cannot be read: " + std::strerror(error)};
}

bool tell_problems(const std::vector<Problem>& problems, const std::string& name) {
  for (const Problem& problem : problems) {
    std::fprintf(stderr, "%s\n", to_string(problem, name).c_str());
  }
  return problems.empty();
}

}  // namespace rise::config
