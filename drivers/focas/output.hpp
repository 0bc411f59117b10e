// What may be written to a control: parsed from the config's notation ("pmc.R100", "pmc.G8.5",
// "macro.500", "parameter.1320.x"), and the requests that write it and read it back.
#pragma once

#include <cstdint>
#include <string>

#include "drivers/focas/addresses.hpp"
#include "drivers/focas/control_info.hpp"
#include "drivers/focas/wire/frame.hpp"

namespace rise::focas {

struct Output {
  enum class Kind : std::uint8_t { Pmc, PmcBit, Macro, Parameter };
  Kind kind = Kind::Macro;
  PmcAddress pmc;
  std::int32_t number = 0;  // macro, parameter
  std::int32_t axis = 0;    // parameter
};
// False: *why is a sentence.
bool parse_output(const std::string& target, const PathSettings& path, Output* output,
                  std::string* why);
// "pmc.R100=1": an output and the value that is written.
bool parse_assignment(const std::string& text, const PathSettings& path, Output* output,
                      double* value, std::string* why);

// Steps of a write. Not every output needs all of them.
//   Inform   parameters: which type and size has it?
//   Fetch    a bit of the PMC: the byte around it
//   Write    the write itself
//   ReadBack what does it say now?
enum class WriteStep : std::uint8_t { Inform, Fetch, Write, ReadBack, Done };

// A write under way. Also used to only read an output (`step` starts at ReadBack).
struct WriteJob {
  const Output* output = nullptr;
  double value = 0;
  std::uint64_t command = 0;  // 0: not a command of the host
  std::uint32_t output_number = 0;
  bool safe = false;  // part of the safe state
  WriteStep step = WriteStep::Write;
  bool asked = false;               // its step is part of the frame that is under way
  std::uint8_t byte = 0;            // Fetch: the byte as it was
  std::int16_t parameter_type = 0;  // Inform: 0 bit, 1 byte, 2 word, 3 two-word, 4 real
};

WriteStep first_step(const Output& output);
WriteStep next_step(WriteStep step);

// The request of the job's step. `payload` is memory for it that outlives the block. False: the
// value cannot be expressed.
inline constexpr std::size_t kMaxPayload = 8 + 8 * 64;
bool write_request(const WriteJob& job, const ControlInfo& info, std::uint8_t* payload,
                   wire::RequestBlock* block);

// Data bytes of the answer to the job's step, at most.
std::size_t reply_bytes(const WriteJob& job, const ControlInfo& info);

// The answer to Inform and Fetch into the job. False: not understood.
bool take_answer(WriteJob* job, const ControlInfo& info, wire::Bytes data);
// The answer to ReadBack: the output's value. False: none.
bool read_back(const WriteJob& job, const ControlInfo& info, wire::Bytes data, double* value);
// Is what was read back what was written?
bool same_value(const Output& output, double written, double read);

}  // namespace rise::focas
