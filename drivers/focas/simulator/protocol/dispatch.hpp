// Answers a data request (frame 0x2101): each block is looked up in a table of commands and
// answered by its handler.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drivers/focas/simulator/machine/control.hpp"
#include "drivers/focas/simulator/protocol/answer.hpp"

namespace rise::cncsim {

// What a handler gets. The answer's data count only with status Ok, and with status Length
// ("more to read").
struct Call {
  Control& control;
  Path& path;
  const focas::wire::RequestBlock& request;
  Answer& answer;

  [[nodiscard]] std::int32_t argument(std::size_t index) const { return request.argument[index]; }
  [[nodiscard]] bool is_new() const { return control.personality().is_new(); }
  [[nodiscard]] std::size_t max_axes() const { return control.personality().max_axes; }
};

using Handler = focas::wire::Status (*)(Call&);

enum class Offered : std::uint8_t { Everywhere, NewOnly, LegacyOnly };

struct CommandRow {
  std::uint16_t command;
  Handler handler;
  Offered offered = Offered::Everywhere;
};

// All commands of device 1 (CNC) and device 2 (PMC), for the documentation test.
std::span<const CommandRow> cnc_commands();
std::span<const CommandRow> pmc_commands();

// Blocks of `command` (-1: of all commands) are answered with this status.
struct ForcedError {
  bool active = false;
  int command = -1;
  focas::wire::Status status = focas::wire::Status::Ok;
};

enum class DataResult : std::uint8_t {
  Reply,      // *reply is a 0x2102 frame
  TooMany,    // *reply is a 0x2103 frame: more blocks than a reply can hold
  Malformed,  // the request contradicts itself
};

class Dispatcher {
 public:
  explicit Dispatcher(Control& control) : control_(control) {}

  // The reply lives in the dispatcher until the next call. It is never longer than the announced
  // version allows.
  DataResult answer(focas::wire::Bytes body, const ForcedError& error, focas::wire::Bytes* reply);

 private:
  focas::wire::Status run(const focas::wire::RequestBlock& block, const ForcedError& error);

  Control& control_;
  Answer answer_;
  std::array<std::uint8_t, focas::wire::kLargestFrame> frame_;
  std::vector<std::uint8_t> mended_;  // a request that was put right
};

}  // namespace rise::cncsim
