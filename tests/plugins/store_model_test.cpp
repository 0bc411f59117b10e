// Random lives of a log beside a model of it, each from a seed that a failure names. In between it
// is closed, or killed, or its disk fails now and then; what it has said to be stored is compared
// with what comes back, to the byte.
#include <deque>
#include <random>

#include "tests/plugins/store_rig.hpp"

using namespace rise;
using namespace rise::test;
using store::Outcome;

namespace {

class Life {
 public:
  Life(std::uint64_t seed, bool faults) : random_(seed), faults_(faults) {
    rig_.options.segment_bytes = 128 + random_() % 1000 / 8 * 8;
    rig_.options.max_bytes = rig_.options.segment_bytes * (2 + random_() % 8);
    rig_.options.overflow = chance(50) ? store::Overflow::Refuse : store::Overflow::DropOldest;
    rig_.options.sync = chance(50) ? store::Sync::Never : store::Sync::Always;
    open();
  }

  // Empty: all was right.
  std::string run(int steps) {
    for (int step = 0; step < steps && wrong_.empty(); ++step) {
      set_faults(true);
      const auto dice = random_() % 100;
      if (dice < 35) {
        append(1);
      } else if (dice < 50) {
        append(random_() % 12);
      } else if (dice < 75) {
        hand_out(random_() % 30);
      } else if (dice < 88) {
        acknowledge();
      } else if (dice < 92) {
        cursor_->rewind();
        read_ = 0;
      } else if (dice < 96) {
        reopen(chance(50));
      } else {
        look();
      }
    }
    set_faults(false);
    look();
    if (!wrong_.empty()) return wrong_;
    // At the end all that is left comes, and comes again after a restart.
    for (int round = 0; round < 2; ++round) {
      cursor_->rewind();
      read_ = 0;
      hand_out(SIZE_MAX);
      if (read_ != left_.size()) fail("the end came early");
      reopen(round == 0);
    }
    if (appended_ < 10 && !faults_) fail("hardly anything happened");
    return wrong_;
  }

 private:
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  // The rest of it is any bytes.
  static std::string name_of(const Got& got) {
    return got.payload.substr(0, got.payload.find(':'));
  }
  void fail(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
  }

  void set_faults(bool on) {
    rig_.medium->fault = nullptr;
    if (!on || !faults_) return;
    rig_.medium->fault = [this](Medium::Operation operation, const std::string& name) {
      if (operation == Medium::Operation::Read || operation == Medium::Operation::Open) return 0;
      // The position may go back when it cannot be written; that is looked at elsewhere.
      if (name == "position") return 0;
      return random_() % 8 == 0 ? (random_() % 2 == 0 ? ENOSPC : EIO) : 0;
    };
  }

  void open() {
    cursor_.reset();
    rig_.open();
    cursor_.emplace(rig_.log->cursor());
    read_ = 0;
    dropped_ = 0;
  }

  void reopen(bool killed) {
    set_faults(false);
    if (killed) {
      cursor_.reset();
      rig_.kill();
    }
    open();
    // Without faults there is nothing to cut off.
    if (rig_.counters().torn != 0 && !faults_) fail("torn, although nothing was");
    // What could be neither written nor cut off may be whole all the same.
    const auto records = read_all(rig_.log.get());
    const std::size_t known = left_.size();
    for (const auto& batch : doubtful_) {
      if (records.size() <= known || records[known].payload != batch.front()) continue;
      for (std::size_t i = 0; i < batch.size() && known + i < records.size(); ++i) {
        left_.push_back({0, batch[i]});
      }
    }
    doubtful_.clear();
  }

  void append(std::size_t count) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) {
      std::string text = std::to_string(++made_) + ":";
      const std::size_t more = random_() % (chance(5) ? 300 : 60);
      for (std::size_t n = 0; n < more; ++n) text += static_cast<char>(random_());
      texts.push_back(text);
    }
    std::vector<store::Bytes> batch;
    for (const std::string& text : texts) batch.push_back(store::bytes_of(text));
    const store::Appended done = rig_.log->append(batch);
    const bool whole = done.outcome == Outcome::Stored || done.outcome == Outcome::DroppedOldest;
    if (whole != (done.stored == count)) fail("the outcome does not fit what was stored");
    if (done.outcome == Outcome::Failed && !faults_) fail("failed without a fault");
    for (std::size_t i = 0; i < done.stored; ++i) {
      // Numbers of one batch need not be without a gap, but they are in order.
      left_.push_back({0, texts[i]});
      ++appended_;
    }
    if (done.stored != 0) left_.back().number = done.last;
    if (done.stored != 0) doubtful_.clear();
    if (done.outcome == Outcome::Failed) {
      doubtful_.push_back({texts.begin() + static_cast<std::ptrdiff_t>(done.stored), texts.end()});
    }
    drop();
    // What could be neither cut off nor removed is met again at a start.
    const std::uint64_t most = rig_.options.max_bytes + (faults_ ? rig_.options.segment_bytes : 0);
    if (rig_.log->status().depth.bytes > most) fail("larger than its bound");
  }

  // What the log has dropped meanwhile, oldest first.
  void drop() {
    const std::uint64_t dropped = rig_.counters().dropped_oldest;
    if (dropped != dropped_ && rig_.options.overflow == store::Overflow::Refuse) fail("dropped");
    for (; dropped_ < dropped; ++dropped_) {
      if (left_.empty()) return fail("dropped more than there was");
      left_.pop_front();
      if (read_ != 0) --read_;
    }
  }

  void hand_out(std::size_t most) {
    for (const Got& got : read(&*cursor_, most)) {
      if (read_ >= left_.size()) return fail("more comes than was stored: " + name_of(got));
      Got& expected = left_[read_++];
      if (got.payload != expected.payload) {
        return fail("got " + name_of(got) + " for " + name_of(expected));
      }
      if (expected.number != 0 && expected.number != got.number) return fail("another number");
      expected.number = got.number;
      if (read_ > 1 && left_[read_ - 2].number >= got.number) return fail("numbers do not rise");
    }
  }

  void acknowledge() {
    if (read_ == 0) return;
    const std::size_t count = 1 + random_() % read_;
    rig_.log->acknowledge(left_[count - 1].number);
    left_.erase(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(count));
    read_ -= count;
  }

  void look() {
    const store::Status status = rig_.log->status();
    if (status.depth.records != left_.size()) {
      fail("depth " + std::to_string(status.depth.records) + " for " +
           std::to_string(left_.size()));
    }
    if ((status.depth.oldest_ns != 0) != !left_.empty()) fail("an age without a record");
    if (status.counters.damaged != 0) fail("damaged, although nothing was");
    if (status.counters.appended > appended_) fail("counts more than was stored");
  }

  StoreRig rig_;
  std::mt19937_64 random_;
  bool faults_;
  std::optional<store::Cursor> cursor_;
  std::deque<Got> left_;  // stored and not acknowledged; number 0: not known yet
  std::vector<std::vector<std::string>>
      doubtful_;          // batches that failed since something was stored
  std::size_t read_ = 0;  // so many of them the cursor has passed
  std::uint64_t dropped_ = 0;
  std::uint64_t appended_ = 0;
  std::uint64_t made_ = 0;
  std::string wrong_;
};

void lives(std::uint64_t from, std::uint64_t count, bool faults) {
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    const std::string wrong = Life(seed, faults).run(250);
    if (wrong.empty()) continue;
    FAIL(("seed " + std::to_string(seed) + ": " + wrong).c_str());
  }
}

}  // namespace

TEST_GROUP(StoreModel){};

TEST(StoreModel, ManyLives) { lives(1, 150, false); }

TEST(StoreModel, ManyLivesOnADiskThatFailsNowAndThen) { lives(10'001, 150, true); }
