// Brings what a region holds into a recorder. The place of its reader in the region moves only over
// what is in a file: so whoever reads on under that name after a kill records what the rings still
// hold of the rest, and some of it perhaps a second time.
//
// One thread.
#pragma once

#include <string>
#include <vector>

#include "plugins/recorder/recorder.hpp"
#include "rt_core/shm/reader.hpp"
#include "rt_core/shm/region.hpp"

namespace rise::recorder {

class Pump {
 public:
  // Both outlive the pump. Tells the recorder of the region's machines; an error if that fails.
  static Result<Pump> start(const shm::Region& region, shm::Reader reader, Recorder* recorder);

  // Reads what is there. -> false: there was nothing. If the region's directory has changed, the
  // recorder begins a new file. To be called at least every 100 ms.
  bool poll(Now now);
  // The rest, and the end of the file. `keep_place`: or the reader's place is given up.
  void finish(Now now, bool keep_place);
  [[nodiscard]] std::uint64_t lost() const { return reader_.lost() - lost_before_; }
  [[nodiscard]] bool resumed() const { return reader_.resumed(); }

 private:
  Pump(const shm::Region& region, shm::Reader reader, Recorder* recorder)
      : region_(&region),
        reader_(std::move(reader)),
        recorder_(recorder),
        lost_before_(reader_.lost()) {}
  bool drain(Now now);
  [[nodiscard]] std::string tables() const;

  const shm::Region* region_;
  shm::Reader reader_;
  Recorder* recorder_;
  std::uint64_t lost_before_ = 0;
  std::string tables_;  // the directory's bytes as they were
  std::int64_t looked_ns_ = 0;
  std::int64_t committed_ns_ = 0;
};

// The machine's clocks.
Now now();

}  // namespace rise::recorder
