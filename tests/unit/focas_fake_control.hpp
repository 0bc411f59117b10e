// A control in a few tables: answers the requests of the driver, in either command set, and fails
// the way a test tells it to. Neither motion nor time; for these there is the simulator.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drivers/focas/wire/frame.hpp"

namespace rise::test {

struct FakeAlarm {
  std::int32_t number = 0;
  std::int32_t type = 0;
  std::int32_t axis = 0;
  std::string text;
};

struct FakeParameter {
  std::int16_t type = 3;  // as on the wire
  std::int16_t decimals = 0;
  std::vector<std::int32_t> values;  // one, or one per axis
};

class FakeControl {
 public:
  using Frame = std::vector<std::uint8_t>;

  explicit FakeControl(bool legacy = false);

  // The reply to one whole frame; none: the control says nothing.
  std::optional<Frame> answer(const Frame& request);

  // ---- what it is
  std::uint16_t version;
  std::uint16_t max_axes;
  std::uint16_t paths = 1;
  std::uint16_t axes = 4;
  std::uint16_t servo_axes = 4;
  bool lathe = false;
  std::uint16_t spindles = 1;
  std::string axis_names = "XYZA";
  // By axis: 0 mm, 1 in, 2 deg; first of what is displayed, then of the machine position.
  std::vector<std::uint16_t> units = {0, 0, 0, 2};
  std::vector<std::uint16_t> machine_units = {0, 0, 0, 2};

  // ---- its state
  std::map<std::int32_t, std::vector<std::uint8_t>> macros;  // number: eight bytes
  std::map<std::int32_t, FakeParameter> parameters;
  std::vector<std::uint8_t> pmc[14];
  std::map<int, std::vector<FakeAlarm>> alarms;  // by path
  std::int32_t feed = 1500;
  std::string program = "O1234";

  // ---- how it fails
  std::map<std::uint16_t, focas::wire::Status> refuse;  // blocks of a command
  std::optional<focas::wire::Status> refuse_frames;     // data requests as a whole
  std::size_t most_blocks = 1000;                       // longer frames are refused as a whole
  std::uint16_t poison = 0;                             // frames with this command, too
  bool refuse_open = false;
  bool silent = false;
  bool ignore_writes = false;        // says ok and does nothing
  std::size_t alarm_text_bytes = 0;  // of a record, whatever was asked; 0: as asked

  // ---- what it has seen
  struct Seen {
    focas::wire::RequestBlock block;  // without payload
    Frame payload;
  };
  std::vector<Seen> seen;
  std::vector<std::size_t> frame_blocks;  // blocks of each data request
  std::vector<Frame> requests;            // data requests, whole
  int opened = 0;
  int closed = 0;
  [[nodiscard]] std::size_t count(std::uint16_t command) const;

 private:
  using Status = focas::wire::Status;
  [[nodiscard]] bool is_new() const { return focas::wire::is_new_control(version); }
  [[nodiscard]] Frame open_reply() const;
  [[nodiscard]] bool refuses_frame(const Frame& request) const;
  Frame data_reply(const Frame& request);
  Status run(const focas::wire::RequestBlock& block, Frame* data);
  Status run_state(const focas::wire::RequestBlock& block, Frame* data);
  Status run_table(const focas::wire::RequestBlock& block, Frame* data);
  Status run_pmc(const focas::wire::RequestBlock& block, Frame* data);
  void put_alarms(const focas::wire::RequestBlock& block, Frame* data) const;
  Status put_record(const FakeParameter& parameter, const focas::wire::RequestBlock& block,
                    Frame* data) const;
  Status write_parameter(const focas::wire::RequestBlock& block);
};

}  // namespace rise::test
