// A disk in memory for tests of plugins/store: it can fill up, fail, lie, and lose its power.
//
// After a loss of power there is of each file what was synced, and of what was written since then
// any sectors; of the names a beginning of what was done since the folder was synced. That is
// harsher than any file system.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "plugins/store/disk.hpp"

namespace rise::test {

using Content = std::vector<std::uint8_t>;

class Medium {
 public:
  enum class Operation { Read, Write, Truncate, Sync, Open, Create, Remove, Rename, SyncFolder };

  struct Change {
    std::uint64_t at = 0;
    Content bytes;
    bool cut = false;  // to `at` bytes
  };
  struct File {
    std::string name;
    Content now;
    Content durable;
    std::vector<Change> pending;
  };
  using Names = std::map<std::string, std::shared_ptr<File>>;

  // Asked before each operation: 0, or the error that it is to end with.
  std::function<int(Operation, const std::string& name)> fault;
  std::uint64_t capacity = std::numeric_limits<std::uint64_t>::max();  // bytes of all files
  bool lies = false;  // sync does nothing and says that it did
  std::map<Operation, int> calls;

  [[nodiscard]] Names& names() { return now_; }
  [[nodiscard]] Content& content(const std::string& name) { return now_.at(name)->now; }
  [[nodiscard]] std::uint64_t used() const {
    std::uint64_t sum = 0;
    for (const auto& [name, file] : now_) sum += file->now.size();
    return sum;
  }
  // In order: the oldest first.
  [[nodiscard]] std::vector<std::string> segments() const {
    std::vector<std::string> out;
    for (const auto& [name, file] : now_) {
      if (name.ends_with(".segment")) out.push_back(name);
    }
    return out;
  }
  // With the same files, as they are now.
  [[nodiscard]] std::shared_ptr<Medium> copy() const {
    auto other = std::make_shared<Medium>();
    for (const auto& [name, file] : now_) {
      other->now_[name] = std::make_shared<File>(File{name, file->now, file->now, {}});
    }
    other->durable_ = other->now_;
    return other;
  }

  void lose_power(std::mt19937_64& random) {
    const std::size_t kept = random() % (pending_names_.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) apply(pending_names_[i], &durable_);
    pending_names_.clear();
    for (auto& [name, file] : durable_) {
      const std::uint64_t sectors_of_8 = random() % 9;  // how much of it got through
      for (const Change& change : file->pending)
        keep_some(change, sectors_of_8, &file->durable, random);
      file->pending.clear();
      file->now = file->durable;
    }
    now_ = durable_;
  }

 private:
  friend class MemoryDisk;
  friend class MemoryFile;
  struct NameChange {
    std::string from;  // empty: `file` is new
    std::string to;    // empty: removed
    std::shared_ptr<File> file;
  };

  static void apply(const NameChange& change, Names* names) {
    if (!change.from.empty()) names->erase(change.from);
    if (!change.to.empty()) (*names)[change.to] = change.file;
  }
  static void keep_some(const Change& change, std::uint64_t of_8, Content* into,
                        std::mt19937_64& random) {
    constexpr std::uint64_t kSector = 512;
    if (change.cut) {
      if (random() % 8 < of_8) into->resize(change.at);
      return;
    }
    const std::uint64_t end = change.at + change.bytes.size();
    for (std::uint64_t at = change.at; at < end;) {
      const std::uint64_t stop = std::min(end, (at / kSector + 1) * kSector);
      if (random() % 8 < of_8) {
        if (into->size() < stop) into->resize(stop);
        std::copy_n(change.bytes.data() + (at - change.at), stop - at, into->data() + at);
      }
      at = stop;
    }
  }
  int ask(Operation operation, const std::string& name) {
    ++calls[operation];
    return fault ? fault(operation, name) : 0;
  }

  std::mutex mutex_;
  Names now_;
  Names durable_;
  std::vector<NameChange> pending_names_;
};

class MemoryFile : public store::DiskFile {
 public:
  MemoryFile(std::shared_ptr<Medium> medium, std::shared_ptr<Medium::File> file)
      : medium_(std::move(medium)), file_(std::move(file)) {}
  std::int64_t read(std::uint64_t at, std::span<std::uint8_t> into) const override {
    const std::lock_guard lock(medium_->mutex_);
    if (const int error = medium_->ask(Medium::Operation::Read, file_->name)) return -error;
    if (at >= file_->now.size()) return 0;
    const std::size_t n = std::min<std::size_t>(into.size(), file_->now.size() - at);
    std::copy_n(file_->now.data() + at, n, into.data());
    return static_cast<std::int64_t>(n);
  }
  int write(std::uint64_t at, store::Bytes bytes) override {
    const std::lock_guard lock(medium_->mutex_);
    int error = medium_->ask(Medium::Operation::Write, file_->name);
    // What fails has done a part of it before.
    std::size_t n = error != 0 ? bytes.size() / 2 : bytes.size();
    const std::size_t size = file_->now.size();
    const std::uint64_t room = medium_->capacity - std::min(medium_->capacity, medium_->used());
    if (at + n > size + room) {
      n = size + room > at ? size + room - at : 0;
      error = ENOSPC;
    }
    if (n != 0) {
      if (at + n > size) file_->now.resize(at + n);
      std::copy_n(bytes.data(), n, file_->now.data() + at);
      file_->pending.push_back(
          {at, Content(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n)), false});
    }
    return error;
  }
  int truncate(std::uint64_t bytes) override {
    const std::lock_guard lock(medium_->mutex_);
    if (const int error = medium_->ask(Medium::Operation::Truncate, file_->name)) return error;
    file_->now.resize(bytes);
    file_->pending.push_back({bytes, {}, true});
    return 0;
  }
  int sync() override {
    const std::lock_guard lock(medium_->mutex_);
    if (const int error = medium_->ask(Medium::Operation::Sync, file_->name)) return error;
    if (medium_->lies) return 0;
    file_->durable = file_->now;
    file_->pending.clear();
    return 0;
  }
  std::int64_t size() const override {
    const std::lock_guard lock(medium_->mutex_);
    return static_cast<std::int64_t>(file_->now.size());
  }

 private:
  std::shared_ptr<Medium> medium_;
  std::shared_ptr<Medium::File> file_;
};

class MemoryDisk : public store::Disk {
 public:
  explicit MemoryDisk(std::shared_ptr<Medium> medium) : medium_(std::move(medium)) {}
  Opened open(const std::string& name, store::Open how) override {
    const std::lock_guard lock(medium_->mutex_);
    const bool create = how == store::Open::Create;
    const auto operation = create ? Medium::Operation::Create : Medium::Operation::Open;
    if (const int error = medium_->ask(operation, name)) return {nullptr, error};
    const auto at = medium_->now_.find(name);
    if (create != (at == medium_->now_.end())) return {nullptr, create ? EEXIST : ENOENT};
    if (!create) return {std::make_shared<MemoryFile>(medium_, at->second), 0};
    const auto file = std::make_shared<Medium::File>(Medium::File{name, {}, {}, {}});
    change({"", name, file});
    return {std::make_shared<MemoryFile>(medium_, file), 0};
  }
  int list(std::vector<std::string>* names) override {
    const std::lock_guard lock(medium_->mutex_);
    for (const auto& [name, file] : medium_->now_) names->push_back(name);
    return 0;
  }
  int remove(const std::string& name) override {
    const std::lock_guard lock(medium_->mutex_);
    if (const int error = medium_->ask(Medium::Operation::Remove, name)) return error;
    if (!medium_->now_.contains(name)) return ENOENT;
    change({name, "", nullptr});
    return 0;
  }
  int rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(medium_->mutex_);
    if (const int error = medium_->ask(Medium::Operation::Rename, from)) return error;
    if (!medium_->now_.contains(from)) return ENOENT;
    change({from, to, medium_->now_[from]});
    return 0;
  }
  int sync_folder() override {
    const std::lock_guard lock(medium_->mutex_);
    if (const int error = medium_->ask(Medium::Operation::SyncFolder, "")) return error;
    if (medium_->lies) return 0;
    medium_->durable_ = medium_->now_;
    medium_->pending_names_.clear();
    return 0;
  }
  const std::string& path() const override { return path_; }

 private:
  void change(const Medium::NameChange& change) {
    Medium::apply(change, &medium_->now_);
    medium_->pending_names_.push_back(change);
  }

  std::shared_ptr<Medium> medium_;
  std::string path_ = "memory";
};

}  // namespace rise::test
