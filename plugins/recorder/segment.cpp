#include "plugins/recorder/segment.hpp"

#include <unistd.h>

#include <utility>

namespace rise::recorder {

Result<std::unique_ptr<Segment>> Segment::create(const std::string& path,
                                                 const McapWriterOptions& options) {
  auto file = OutputFile::create(path);
  if (!file) return Failure{file.error()};
  std::unique_ptr<Segment> segment(new Segment(std::move(*file), options));
  if (segment->writer_.begin()) return segment;
  ::unlink(path.c_str());
  return Failure{segment->problem()};
}

// The file does not move when the segment is handed on, so the writer can keep to it.
Segment::Segment(std::unique_ptr<OutputFile> file, const McapWriterOptions& options)
    : file_(std::move(file)),
      writer_(options, [to = file_.get()](std::string_view bytes) { return to->write(bytes); }) {}

bool Segment::close() {
  const bool finished = writer_.finish();
  return file_->close() && finished;
}

}  // namespace rise::recorder
