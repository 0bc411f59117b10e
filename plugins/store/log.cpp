#include "plugins/store/log.hpp"

#include <stdexcept>
#include <utility>

#include "plugins/store/cursor.hpp"
#include "plugins/store/state.hpp"

namespace rise::store {

namespace {

void check(const LogOptions& options) {
  const auto refuse = [](const std::string& what) {
    throw std::invalid_argument("store: " + what);
  };
  if (options.segment_bytes < kMinSegmentBytes || options.segment_bytes > kMaxSegmentBytes) {
    refuse("segment_bytes is " + std::to_string(options.segment_bytes) + "; it may be " +
           std::to_string(kMinSegmentBytes) + " to " + std::to_string(kMaxSegmentBytes));
  }
  if (options.max_bytes < 2 * options.segment_bytes) {
    refuse("max_bytes is " + std::to_string(options.max_bytes) +
           "; it must have room for two segments, " + std::to_string(2 * options.segment_bytes));
  }
  if (options.sync == Sync::Every && (options.sync_ms < 1 || options.sync_ms > 60'000)) {
    refuse("sync_ms is " + std::to_string(options.sync_ms) + "; it may be 1 to 60000");
  }
}

}  // namespace

std::unique_ptr<Log> Log::open(LogOptions options) {
  check(options);
  auto disk = folder_disk(options.folder);
  return open(std::move(options), std::move(disk));
}

std::unique_ptr<Log> Log::open(LogOptions options, std::unique_ptr<Disk> disk) {
  check(options);
  auto state = std::make_unique<State>(std::move(options), std::move(disk));
  return std::unique_ptr<Log>(new Log(std::move(state)));
}

Log::Log(std::unique_ptr<State> state) : state_(std::move(state)) {}
Log::~Log() = default;

Appended Log::append(Bytes payload) { return state_->append({&payload, 1}); }
Appended Log::append(std::span<const Bytes> payloads) { return state_->append(payloads); }
Cursor Log::cursor() { return {state_.get(), Cursor::Role::Reader}; }
void Log::acknowledge(std::uint64_t up_to) { state_->acknowledge(up_to); }
int Log::sync() { return state_->sync(); }
Status Log::status() { return state_->status(); }
std::vector<std::string> Log::take_news() { return state_->take_news(); }
const LogOptions& Log::options() const { return state_->options(); }

}  // namespace rise::store
