// The store-and-forward log: records of 256 bytes in and out, and how soon a large log is open
// again.
//
//   store [short|full] [FOLDER]     full: 1 GiB for the recovery, short: 256 MiB
//
// "Checked" is recovery with every byte of it read and compared with its checksum, which is what
// the first reader does anyway; "cold" is the same after the kernel was told to forget the files.
#include "plugins/store/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/result.hpp"
#include "plugins/store/cursor.hpp"

namespace {

using namespace rise;
using bench::now_ns;
namespace fs = std::filesystem;

constexpr std::size_t kPayload = 256;
constexpr std::uint64_t kRecordBytes = store::record_bytes(kPayload);
constexpr std::size_t kBatch = 64;

class Folder {
 public:
  explicit Folder(const std::string& above) : path_(above + "/rise-bench-store-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) std::exit(1);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  // So that what is read comes from the medium.
  static void forget(const std::string& path) {
    for (const auto& entry : fs::directory_iterator(path)) {
      const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;
      ::fsync(fd);
      ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
      ::close(fd);
    }
  }

 private:
  std::string path_;
};

store::LogOptions options(const Folder& folder, store::Sync sync = store::Sync::Every) {
  store::LogOptions out;
  out.folder = folder.path() + "/log";
  out.max_bytes = std::uint64_t{2} << 30u;
  out.sync = sync;
  out.sync_ms = 100;
  out.overflow = store::Overflow::Refuse;
  return out;
}

double per_second(std::uint64_t count, std::int64_t ns) {
  return static_cast<double>(count) * 1e9 / static_cast<double>(ns);
}

struct Payload {
  std::uint8_t bytes[kPayload];
  Payload() { std::memset(bytes, 0x5a, sizeof bytes); }
  store::Bytes next(std::uint64_t i) {
    std::memcpy(bytes, &i, sizeof i);
    return bytes;
  }
};

void need(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "store: %s\n", what);
  std::exit(1);
}

// -> records/s, with all of it on the medium at the end
double append(store::Log* log, std::uint64_t count) {
  Payload payload;
  const std::int64_t start = now_ns();
  for (std::uint64_t i = 0; i < count; ++i) {
    need(log->append(payload.next(i)).stored == 1, "a record was not stored");
  }
  need(log->sync() == 0, "the disk does not sync");
  return per_second(count, now_ns() - start);
}

double append_batches(store::Log* log, std::uint64_t count) {
  std::vector<Payload> payloads(kBatch);
  std::vector<store::Bytes> batch(kBatch);
  const std::int64_t start = now_ns();
  for (std::uint64_t i = 0; i < count; i += kBatch) {
    for (std::size_t k = 0; k < kBatch; ++k) batch[k] = payloads[k].next(i + k);
    need(log->append(batch).stored == kBatch, "a batch was not stored");
  }
  need(log->sync() == 0, "the disk does not sync");
  return per_second(count, now_ns() - start);
}

// Reads all that there is, and looks whether it is what was written. -> how many
std::uint64_t read_all(store::Log* log) {
  auto cursor = log->cursor();
  std::uint64_t count = 0;
  while (const auto record = cursor.next()) {
    need(record->payload.size() == kPayload && record->payload[kPayload - 1] == 0x5a,
         "a record came back altered");
    ++count;
  }
  return count;
}

void appending(const std::string& above, std::uint64_t count) {
  for (const bool batches : {false, true}) {
    const Folder folder(above);
    const auto log = store::Log::open(options(folder));
    const double rate = batches ? append_batches(log.get(), count) : append(log.get(), count);
    bench::result(batches ? "store.append_batches.records_per_s" : "store.append_records_per_s",
                  rate, "1/s");
    if (!batches) continue;
    const std::int64_t start = now_ns();
    need(read_all(log.get()) == count, "records are missing");
    bench::result("store.read_records_per_s", per_second(count, now_ns() - start), "1/s");
  }
  // What a sync for each costs is the disk's business, and shared by a batch.
  const Folder folder(above);
  const auto log = store::Log::open(options(folder, store::Sync::Always));
  constexpr std::uint64_t kSynced = 100;
  bench::result("store.append_synced.records_per_s", append(log.get(), kSynced), "1/s");
  bench::result("store.append_synced_batches.records_per_s",
                append_batches(log.get(), kSynced * kBatch), "1/s");
}

// Writers and a reader that acknowledges what it has had, in turn: what forwarding costs.
void forwarding(const std::string& above, std::uint64_t count) {
  const Folder folder(above);
  const auto log = store::Log::open(options(folder));
  auto cursor = log->cursor();
  Payload payload;
  const std::int64_t start = now_ns();
  for (std::uint64_t i = 0; i < count; i += kBatch) {
    for (std::size_t k = 0; k < kBatch; ++k) {
      need(log->append(payload.next(i + k)).stored == 1, "a record was not stored");
    }
    std::uint64_t last = 0;
    while (const auto record = cursor.next()) last = record->number;
    log->acknowledge(last);
  }
  bench::result("store.forward_records_per_s", per_second(count, now_ns() - start), "1/s");
}

void recovery(const std::string& above, std::uint64_t bytes, const std::string& size) {
  const Folder folder(above);
  const std::uint64_t count = bytes / kRecordBytes / kBatch * kBatch;
  {
    const auto log = store::Log::open(options(folder, store::Sync::Never));
    append_batches(log.get(), count);
  }
  for (const bool cold : {false, true}) {
    if (cold) Folder::forget(folder.path() + "/log");
    const std::int64_t start = now_ns();
    const auto log = store::Log::open(options(folder));
    const std::int64_t opened = now_ns();
    need(read_all(log.get()) == count, "records are missing");
    const std::int64_t checked = now_ns();
    const std::string name = "store.recovery_" + size + (cold ? ".cold" : "");
    bench::result((name + ".open_s").c_str(), static_cast<double>(opened - start) / 1e9, "s");
    bench::result((name + ".checked_s").c_str(), static_cast<double>(checked - start) / 1e9, "s");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool full = argc > 1 && std::strcmp(argv[1], "full") == 0;
  const std::string above = argc > 2 ? argv[2] : std::filesystem::temp_directory_path().string();
  const std::uint64_t count = full ? 2'000'000 : 500'000;
  appending(above, count / kBatch * kBatch);
  forwarding(above, count / kBatch * kBatch);
  recovery(above, (full ? std::uint64_t{1024} : 256) << 20u, full ? "1gb" : "256mb");
  return 0;
}
