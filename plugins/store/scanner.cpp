#include "plugins/store/scanner.hpp"

#include <algorithm>
#include <utility>

#include "rt_core/record/crc32c.hpp"

namespace rise::store {

namespace {

// One read for many records, and small enough for the processor's cache.
constexpr std::uint64_t kWindowBytes = 256u << 10u;
constexpr std::uint64_t kPageBytes = 4096;

}  // namespace

void Scanner::begin(std::shared_ptr<const DiskFile> file, const SegmentName& name) {
  file_ = std::move(file);
  name_ = name;
  offset_ = kHeaderBytes;
  window_at_ = window_bytes_ = 0;
  unreadable_pages_ = 0;
}

std::optional<Found> Scanner::next(std::uint64_t end, std::uint64_t from, std::uint64_t below) {
  while (offset_ < end && end - offset_ >= kRecordHeaderBytes) {
    if (!fill(offset_, kRecordHeaderBytes, end)) break;
    const auto header = decode_record_header(name_.mark, window(offset_));
    // A segment cannot hold more records than there is room for before this one.
    const std::uint64_t most = name_.first + (offset_ - kHeaderBytes) / kRecordHeaderBytes;
    if (!header || header->number < name_.first || header->number > most) {
      offset_ += kAlignment;
      continue;
    }
    // What was cut off within its last record.
    if (header->length > end - offset_ - kRecordHeaderBytes) break;
    const std::uint64_t at = offset_;
    // The header is in order: then so is its length, whatever has happened to the payload.
    offset_ = at + record_bytes(header->length);
    if (header->number < from || header->number >= below) continue;
    if (!fill(at, kRecordHeaderBytes + header->length, end)) break;
    const Bytes payload(window(at) + kRecordHeaderBytes, header->length);
    if (record::crc32c(payload.data(), payload.size()) != header->payload_crc) continue;
    return Found{header->number, header->time_ns, payload};
  }
  offset_ = std::max(offset_, end);
  return std::nullopt;
}

bool Scanner::fill(std::uint64_t at, std::uint64_t bytes, std::uint64_t end) {
  if (at >= window_at_ && at + bytes <= window_at_ + window_bytes_) return true;
  const std::uint64_t wanted = std::min(std::max(bytes, kWindowBytes), end - at);
  if (buffer_.size() < wanted) buffer_.resize(wanted);
  const std::span<std::uint8_t> into(buffer_.data(), wanted);
  std::int64_t n = file_->read(at, into);
  if (n < 0) n = read_by_pages(at, into);
  window_at_ = at;
  window_bytes_ = static_cast<std::uint64_t>(n);
  return window_bytes_ >= bytes;
}

// A bad sector costs its page, not all that was asked for with it.
std::int64_t Scanner::read_by_pages(std::uint64_t at, std::span<std::uint8_t> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const std::uint64_t left_of_page = kPageBytes - (at + done) % kPageBytes;
    const auto page = into.subspan(done, std::min<std::size_t>(left_of_page, into.size() - done));
    const std::int64_t n = file_->read(at + done, page);
    if (n < 0) {
      ++unreadable_pages_;
      std::fill(page.begin(), page.end(), std::uint8_t{0});
    } else if (static_cast<std::size_t>(n) < page.size()) {
      return static_cast<std::int64_t>(done + static_cast<std::size_t>(n));
    }
    done += page.size();
  }
  return static_cast<std::int64_t>(done);
}

}  // namespace rise::store
