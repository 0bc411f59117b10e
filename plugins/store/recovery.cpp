#include "plugins/store/recovery.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <tuple>

#include "plugins/store/scanner.hpp"

namespace rise::store {

namespace {

// A file with the name of a segment.
struct Candidate {
  SegmentName name;
  std::optional<SegmentHeader> header;  // absent: damaged
  std::uint64_t bytes = 0;
};

class Recovery {
 public:
  Recovery(Disk* disk, std::optional<std::uint64_t> position) : disk_(disk), position_(position) {}

  Recovered run() {
    find();
    drop_unreadable_end();
    note_ranges();
    if (!out_.segments.empty()) go_on_in_last();
    settle();
    return std::move(out_);
  }

 private:
  void tell(const SegmentName& name, const std::string& what) {
    out_.news.push_back(disk_->path() + "/" + text_of(name) + " " + what);
  }
  // The next number is to be greater than this.
  void keep_clear_of(std::uint64_t number) { out_.last = std::max(out_.last, number); }

  void find() {
    std::vector<std::string> names;
    if (const int error = disk_->list(&names); error != 0) {
      throw std::runtime_error("store: " + disk_->path() + ": cannot be listed: " +
                               std::strerror(error) + "; check the folder and its file system");
    }
    for (const std::string& text : names) {
      if (const auto name = parse_segment_name(text)) look_at(*name);
    }
    std::sort(candidates_.begin(), candidates_.end(), [](const auto& a, const auto& b) {
      return std::tuple(a.name.first, a.bytes) < std::tuple(b.name.first, b.bytes);
    });
    // The log never begins two segments with one number; somebody has put the smaller one there.
    for (std::size_t i = 0; i + 1 < candidates_.size();) {
      if (candidates_[i].name.first == candidates_[i + 1].name.first) {
        set_aside(candidates_[i].name, "begins with the number of another segment");
        candidates_.erase(candidates_.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  }

  void look_at(const SegmentName& name) {
    const auto opened = disk_->open(text_of(name), Open::Read);
    std::array<std::uint8_t, kHeaderBytes> head{};
    const std::int64_t size = opened.error != 0 ? -opened.error : opened.file->size();
    if (size < 0) {
      set_aside(name, std::string("cannot be read: ") + std::strerror(static_cast<int>(-size)));
      return;
    }
    const auto bytes = static_cast<std::uint64_t>(size);
    Candidate candidate{name, std::nullopt, bytes};
    if (opened.file->read(0, head) == static_cast<std::int64_t>(head.size())) {
      candidate.header = decode_segment_header(head);
    }
    if (candidate.header && candidate.header->version != kFormatVersion) {
      // A newer program wrote it and may come back: it stays as it is, and its numbers stay its
      // own.
      tell(name, "has format " + std::to_string(candidate.header->version) +
                     ", which this program does not know; left alone");
      keep_clear_of(name.first + bytes / kRecordHeaderBytes);
      return;
    }
    if (candidate.header &&
        (candidate.header->first != name.first || candidate.header->mark != name.mark ||
         candidate.header->after >= name.first)) {
      candidate.header.reset();  // in order, but somebody else's
    }
    if (!candidate.header && bytes >= kHeaderBytes) {
      ++out_.damaged_headers;
      tell(name, "has a damaged header; its records are read all the same");
    }
    candidates_.push_back(candidate);
  }

  // The last segment is the one to go on behind, so it has to be one.
  void drop_unreadable_end() {
    while (!candidates_.empty() && !candidates_.back().header &&
           holds_nothing(candidates_.back())) {
      const Candidate& last = candidates_.back();
      keep_clear_of(last.name.first - 1);
      if (last.bytes > kHeaderBytes) {
        set_aside(last.name, "holds nothing that can be read");
      } else {
        // Who begins a segment and is killed leaves a part of its header.
        out_.torn = 1;
        out_.torn_bytes += last.bytes;
        (void)disk_->remove(text_of(last.name));
      }
      candidates_.pop_back();
    }
  }

  bool holds_nothing(const Candidate& candidate) {
    const auto opened = disk_->open(text_of(candidate.name), Open::Read);
    if (opened.error != 0) return false;
    Scanner scanner;
    scanner.begin(opened.file, candidate.name);
    return !scanner.next(candidate.bytes, 1, kMaxNumber) && scanner.unreadable_pages() == 0;
  }

  void set_aside(const SegmentName& name, const std::string& why) {
    const std::string text = text_of(name);
    const int error = disk_->rename(text, text + ".damaged");
    if (error == 0) ++out_.set_aside;
    tell(name, why + (error == 0 ? "; renamed to .damaged, look at it and delete it"
                                 : std::string("; nor renamed: ") + std::strerror(error)));
  }

  // Which numbers each segment is responsible for: up to the next one's.
  void note_ranges() {
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      const Candidate& candidate = candidates_[i];
      const bool is_last = i + 1 == candidates_.size();
      if (is_last) last_header_ = candidate.header;
      keep_clear_of(candidate.name.first - 1);
      const std::uint64_t before = candidate.name.first - 1;
      Segment segment{candidate.name, candidate.header ? candidate.header->after : before, before,
                      candidate.bytes};
      if (!is_last) {
        const Candidate& next = candidates_[i + 1];
        segment.last = std::max(before, next.header ? next.header->after : next.name.first - 1);
        keep_clear_of(segment.last);
      }
      out_.segments.push_back(segment);
    }
  }

  void go_on_in_last() {
    Segment& segment = out_.segments.back();
    auto opened = disk_->open(text_of(segment.name), Open::Write);
    const bool writable = opened.error == 0;
    if (!writable) opened = disk_->open(text_of(segment.name), Open::Read);
    if (opened.error != 0) return;  // gone, or a new one is due; reading it comes to the same end
    Scanner scanner;
    scanner.begin(opened.file, segment.name);
    const std::uint64_t size = segment.bytes;
    std::uint64_t end = kHeaderBytes;
    while (const auto found = scanner.next(size, segment.last + 1, kMaxNumber)) {
      segment.last = found->number;
      end = scanner.offset();
    }
    keep_clear_of(segment.last);
    if (scanner.unreadable_pages() != 0) {
      tell(segment.name, "has pages that cannot be read; nothing more is written to it");
      return;
    }
    if (size > end) {
      out_.torn = 1;
      out_.torn_bytes += size - end;
    }
    segment.bytes = end;
    // Cut, or made longer by some zeros: what was being written is over.
    if (!writable || !last_header_) return;
    if (size != end && opened.file->truncate(end) != 0) return;
    out_.file = opened.file;
  }

  void settle() {
    auto& segments = out_.segments;
    if (position_) {
      out_.acknowledged = *position_;
    } else if (!segments.empty()) {
      out_.acknowledged = segments.front().name.first - 1;
    } else {
      out_.acknowledged = out_.last;
    }
    // The tail was lost and the position was not: those numbers are used up.
    if (out_.acknowledged > out_.last) {
      out_.last = out_.acknowledged;
      out_.file.reset();
    }
    // In the last segment numbers go on without a gap; else a new one begins.
    if (out_.file != nullptr && segments.back().last != out_.last) out_.file.reset();
    const auto done = [&](const Segment& segment) { return segment.last <= out_.acknowledged; };
    while (segments.size() > (out_.file != nullptr ? 1u : 0u) && done(segments.front())) {
      (void)disk_->remove(text_of(segments.front().name));  // if it stays, the next start meets it
      segments.pop_front();
    }
  }

  Disk* disk_;
  std::optional<std::uint64_t> position_;
  std::vector<Candidate> candidates_;
  std::optional<SegmentHeader> last_header_;
  Recovered out_;
};

}  // namespace

Recovered recover(Disk* disk, std::optional<std::uint64_t> position) {
  return Recovery(disk, position).run();
}

}  // namespace rise::store
