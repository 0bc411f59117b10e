// One file under way: an MCAP writer and the file that takes what it writes. One thread.
#pragma once

#include <memory>
#include <string>

#include "plugins/recorder/mcap_writer.hpp"
#include "plugins/recorder/output_file.hpp"
#include "rt_core/result.hpp"

namespace rise::recorder {

class Segment {
 public:
  // A new file, with its head in it. One that exists already is left alone: an error.
  static Result<std::unique_ptr<Segment>> create(const std::string& path,
                                                 const McapWriterOptions& options);

  [[nodiscard]] McapWriter& writer() { return writer_; }
  // Why the last write was refused, with a remedy; "" if it was not.
  [[nodiscard]] const std::string& problem() const { return file_->problem(); }
  // The last chunk and the summary, and all of it onto the disk. False: see problem(); the file is
  // then one that `rise record repair` can read.
  bool close();

 private:
  Segment(std::unique_ptr<OutputFile> file, const McapWriterOptions& options);
  std::unique_ptr<OutputFile> file_;
  McapWriter writer_;
};

}  // namespace rise::recorder
