// What the simulator's tests have in common: a control with its sessions on a table, a clock that
// the test moves, and a client that writes and reads frames.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/focas/simulator/machine/control.hpp"
#include "drivers/focas/simulator/protocol/sessions.hpp"
#include "drivers/focas/wire/frame.hpp"

namespace rise::test {

// Axes X Y Z A and one spindle, nothing running, no noise: "31i", version 4.
cncsim::ControlSpec mill_spec();
// Axes X Y Z, legacy: "16i", version 2.
cncsim::ControlSpec legacy_spec();

// One block of a data request.
struct Ask {
  Ask() = default;
  Ask(int number, std::vector<std::int32_t> list = {}, std::uint16_t which = 1)
      : command(static_cast<std::uint16_t>(number)), arguments(std::move(list)), path(which) {
    if (command >= 0x8000) device = focas::wire::Device::Pmc;
  }
  std::uint16_t command = 0;
  std::vector<std::int32_t> arguments;
  std::uint16_t path = 1;
  focas::wire::Device device = focas::wire::Device::Cnc;
  std::vector<std::uint8_t> payload;
};

struct Answered {
  focas::wire::Status status = focas::wire::Status::Ok;
  std::int16_t detail = 0;
  std::vector<std::uint8_t> data;

  [[nodiscard]] std::int32_t i32(std::size_t offset) const;
  [[nodiscard]] std::int16_t i16(std::size_t offset) const;
  // The eight-byte number at this place; NaN: no value.
  [[nodiscard]] double number(std::size_t index) const;
};

std::vector<std::uint8_t> frame_of(focas::wire::FrameType type,
                                   const std::vector<std::uint8_t>& body);
std::vector<std::uint8_t> request_of(const std::vector<Ask>& blocks);
std::vector<std::uint8_t> open_request(int payload);
// The whole frames at the start of *bytes are taken out; what is left stays.
std::vector<std::vector<std::uint8_t>> take_frames(std::vector<std::uint8_t>* bytes);
focas::wire::FrameType type_of(const std::vector<std::uint8_t>& frame);

class Bench {
 public:
  explicit Bench(cncsim::ControlSpec spec, cncsim::SessionSpec session = {});

  cncsim::Control control;
  cncsim::Sessions sessions;
  std::int64_t now_ns = 1'000'000'000;

  cncsim::Path& path(std::size_t index = 0) { return control.path(index); }
  void run(double seconds);
  // Runs until the condition holds, at most so long. -> did it?
  template <class Condition>
  bool run_until(double seconds, Condition condition) {
    for (double t = 0; t < seconds; t += 0.002) {
      if (condition()) return true;
      run(0.002);
    }
    return condition();
  }

  // A new connection, opened with this payload (0: not opened).
  std::uint32_t connect(int payload);
  // Sends bytes; -> what comes back now. *alive: false when the control closes.
  std::vector<std::uint8_t> send(std::uint32_t connection, const std::vector<std::uint8_t>& bytes,
                                 bool* alive = nullptr);
  // One data request on a connection that is made when it is first needed.
  std::vector<Answered> ask(const std::vector<Ask>& blocks);
  Answered ask(std::uint16_t command, std::vector<std::int32_t> arguments = {},
               std::vector<std::uint8_t> payload = {});
  Answered ask_pmc(std::uint16_t command, std::vector<std::int32_t> arguments,
                   std::vector<std::uint8_t> payload = {});

  // Stores a program on path 1, selects it and presses cycle start.
  void load(const std::string& text);
  void start(const std::string& text);

 private:
  std::uint32_t data_connection_ = 0;
};

}  // namespace rise::test
