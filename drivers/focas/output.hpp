// What may be written to a control: parsed from the config's notation ("pmc.R100", "pmc.G8.5",
// "pmc.R100.2-5", "pmc.R100..R103", "macro.500", "path.2.macro.500", "parameter.1320.x"), and the
// requests that write it and read it back.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "drivers/focas/addresses.hpp"
#include "drivers/focas/control_info.hpp"
#include "drivers/focas/wire/frame.hpp"

namespace rise::focas {

struct Output {
  // Pmc: one element. PmcBit: some bits of a byte. PmcBytes: bytes that are one number, as the
  // ladder sees it: least byte first.
  enum class Kind : std::uint8_t { Pmc, PmcBit, PmcBytes, Macro, Parameter };
  Kind kind = Kind::Macro;
  PmcAddress pmc;
  std::uint8_t bits = 1;    // PmcBit: how many, from pmc.bit on
  std::uint16_t path = 1;   // macro, parameter
  std::int32_t number = 0;  // macro, parameter
  std::int32_t axis = 0;    // parameter
};
// False: *why is a sentence.
bool parse_output(const std::string& target, std::span<const PathSettings> paths, Output* output,
                  std::string* why);
// "pmc.R100=1": an output and the value that is written, which fits it.
bool parse_assignment(const std::string& text, std::span<const PathSettings> paths, Output* output,
                      double* value, std::string* why);
// Can the value be written to that output of any control? Of a parameter only the control knows
// the type, so only what no type could hold is refused. False: *why is a sentence.
bool check_value(const Output& output, double value, std::string* why);

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
  std::uint64_t command = 0;    // 0: not a command of the host
  std::int64_t expires_ns = 0;  // after that nothing of it is written any more; 0 = never
  bool cancelled = false;       // likewise, at once
  std::uint32_t output_number = 0;
  bool read_only = false;  // to learn the value, and tell it to the host
  WriteStep step = WriteStep::Write;
  bool asked = false;               // its step is part of the frame that is under way
  bool sent = false;                // its write has left, once at least
  std::uint8_t byte = 0;            // Fetch: the byte as it was
  std::int16_t parameter_type = 0;  // Inform: 0 bit, 1 byte, 2 word, 3 two-word, 4 real
  // The result, once the step is Done: RISE_COMMAND_*, value as read back, status.
  std::uint32_t outcome = 0;
  double found = 0;
  std::int32_t detail = 0;
};

WriteStep first_step(const Output& output);
WriteStep next_step(WriteStep step);
// Its permission has ended.
inline bool lapsed(const WriteJob& job, std::int64_t now_ns) {
  return job.cancelled || (job.expires_ns != 0 && now_ns > job.expires_ns);
}

// The byte with the output's bits set to the value; PmcBit only.
std::uint8_t with_bits(const Output& output, double value, std::uint8_t byte);

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
