// A new file that takes each write as a whole or not at all: what the disk did not take whole is
// cut off again. So a recording always ends with a whole chunk. One thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "rt_core/result.hpp"

namespace rise::recorder {

class OutputFile {
 public:
  // One that exists already is left alone: an error.
  static Result<std::unique_ptr<OutputFile>> create(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // False: see problem(); the file is as it was.
  bool write(std::string_view bytes);
  // Onto the disk, and closed. False: see problem().
  bool close();
  [[nodiscard]] const std::string& path() const { return path_; }
  // Why the last write was refused, with a remedy; "" if it was not.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  OutputFile(std::string path, int fd);
  std::string path_;
  int fd_ = -1;
  std::string problem_;
};

}  // namespace rise::recorder
