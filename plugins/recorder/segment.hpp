// One file under way: an MCAP writer on a descriptor. What the disk did not take as a whole is cut
// off again, so that the file always ends with a whole chunk. One thread.
#pragma once

#include <memory>
#include <string>

#include "plugins/recorder/mcap_writer.hpp"
#include "rt_core/result.hpp"

namespace rise::recorder {

class Segment {
 public:
  // A new file, with its head in it. One that exists already is left alone: an error.
  static Result<std::unique_ptr<Segment>> create(const std::string& path,
                                                 const McapWriterOptions& options);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  [[nodiscard]] McapWriter& writer() { return writer_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  // Why the last write was refused; "" if none was.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  // The last chunk and the summary, and all of it onto the disk. False: see problem(); the file is
  // then one that `rise record repair` can read.
  bool close();

 private:
  Segment(std::string path, int fd, const McapWriterOptions& options);
  bool write(std::string_view bytes);

  std::string path_;
  int fd_ = -1;
  std::string problem_;
  McapWriter writer_;
};

}  // namespace rise::recorder
