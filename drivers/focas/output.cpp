#include "drivers/focas/output.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "drivers/focas/read.hpp"
#include "drivers/focas/wire/bytes.hpp"
#include "drivers/focas/wire/number.hpp"

namespace rise::focas {

using wire::Bytes;
using wire::Command;

namespace {

constexpr std::int16_t kReal = 4;

// Writes an integer or a float of the PMC in its wire form. -> bytes, 0: does not fit the type.
std::size_t store_pmc(std::uint8_t type, double value, std::uint8_t* p) {
  const double whole = std::nearbyint(value);
  switch (type) {
    case 0:
      if (!(whole >= -128 && whole <= 255)) return 0;
      p[0] = static_cast<std::uint8_t>(static_cast<std::int32_t>(whole));
      return 1;
    case 1:
      if (!(whole >= -32768 && whole <= 65535)) return 0;
      wire::store_u16(p, static_cast<std::uint16_t>(static_cast<std::int32_t>(whole)));
      return 2;
    case 2:
      if (!(whole >= -2147483648.0 && whole <= 2147483647.0)) return 0;
      wire::store_i32(p, static_cast<std::int32_t>(whole));
      return 4;
    case 4:
      if (std::fabs(value) > static_cast<double>(std::numeric_limits<float>::max())) return 0;
      wire::store_u32(p, std::bit_cast<std::uint32_t>(static_cast<float>(value)));
      return 4;
    default: {
      const auto bits = std::bit_cast<std::uint64_t>(value);
      wire::store_u32(p, static_cast<std::uint32_t>(bits >> 32));
      wire::store_u32(p + 4, static_cast<std::uint32_t>(bits));
      return 8;
    }
  }
}

// The least byte first, as the ladder has it; negative numbers as their complement. -> bytes, 0:
// does not fit. At most six bytes, so that a double holds it exactly.
std::size_t store_bytes(const PmcAddress& pmc, double value, std::uint8_t* p) {
  const auto size = static_cast<std::size_t>(pmc.last - pmc.first + 1);
  const double span = std::ldexp(1.0, static_cast<int>(8 * size));
  const double whole = std::nearbyint(value);
  if (!(whole >= -span / 2 && whole < span)) return 0;
  auto bits = static_cast<std::uint64_t>(static_cast<std::int64_t>(whole));
  for (std::size_t i = 0; i < size; ++i, bits >>= 8) p[i] = static_cast<std::uint8_t>(bits);
  return size;
}

double load_bytes(const PmcAddress& pmc, const std::uint8_t* p) {
  std::uint64_t bits = 0;
  for (std::int32_t i = pmc.last - pmc.first; i >= 0; --i) bits = bits << 8 | p[i];
  return static_cast<double>(bits);
}

bool fits_bits(const Output& output, double value) {
  const double whole = std::nearbyint(value);
  return whole == value && whole >= 0 && whole < static_cast<double>(1u << output.bits);
}

double load_pmc(std::uint8_t type, const std::uint8_t* p) {
  switch (type) {
    case 0: return p[0];
    case 1: return wire::load_i16(p);
    case 2: return wire::load_i32(p);
    case 4: return static_cast<double>(std::bit_cast<float>(wire::load_u32(p)));
    default:
      return std::bit_cast<double>(std::uint64_t{wire::load_u32(p)} << 32 | wire::load_u32(p + 4));
  }
}

void pmc_block(const PmcAddress& pmc, wire::PmcCommand command, wire::RequestBlock* block) {
  block->device = wire::Device::Pmc;
  block->command = static_cast<std::uint16_t>(command);
  block->argument[0] = pmc.first;
  block->argument[1] = pmc.last;
  block->argument[2] = pmc.area;
  block->argument[3] = pmc.bit >= 0 ? 0 : pmc.type;
}

// Number of record bytes for one parameter on this control.
std::size_t record_bytes(const ControlInfo& info) {
  return 8 + (info.is_new() ? wire::kNumberBytes : 4) * std::size_t{info.max_axes};
}

bool parameter_payload(const WriteJob& job, const ControlInfo& info, std::uint8_t* payload,
                       std::size_t* length) {
  *length = record_bytes(info);
  if (*length > kMaxPayload) return false;
  std::memset(payload, 0, *length);
  wire::store_i32(payload, job.output->number);
  wire::store_u16(payload + 4, static_cast<std::uint16_t>(job.output->axis));
  wire::store_u16(payload + 6, static_cast<std::uint16_t>(job.parameter_type));
  if (info.is_new() && job.parameter_type == kReal) {
    const auto number = wire::decimal(job.value, 6);
    if (!number) return false;
    wire::store_number(payload + 8, *number);
    return true;
  }
  const double whole = std::nearbyint(job.value);
  if (std::fabs(whole) > 2147483647.0) return false;
  wire::store_i32(payload + 8, static_cast<std::int32_t>(whole));
  // Integers go out with base 0 and exponent -1, as the vendor's client writes them.
  if (info.is_new()) wire::store_u16(payload + 14, 0xffff);
  return true;
}

std::uint16_t code(Command command) { return static_cast<std::uint16_t>(command); }

}  // namespace

std::uint8_t with_bits(const Output& output, double value, std::uint8_t byte) {
  const unsigned mask = ((1u << output.bits) - 1) << output.pmc.bit;
  const unsigned bits = fits_bits(output, value) ? static_cast<unsigned>(value) : 0;
  return static_cast<std::uint8_t>((byte & ~mask) | (bits << output.pmc.bit & mask));
}

bool check_value(const Output& output, double value, std::string* why) {
  std::uint8_t memory[8];
  const auto refuse = [why](const char* text) {
    *why = text;
    return false;
  };
  if (!std::isfinite(value)) return refuse("is no number");
  switch (output.kind) {
    case Output::Kind::PmcBit:
      if (fits_bits(output, value)) return true;
      return refuse(output.bits == 1 ? "a bit is 0 or 1"
                                     : "is no whole number that fits so many bits");
    case Output::Kind::PmcBytes:
      if (store_bytes(output.pmc, value, memory) != 0) return true;
      return refuse("does not fit so many bytes");
    case Output::Kind::Pmc:
      if (store_pmc(output.pmc.type, value, memory) != 0) return true;
      return refuse(output.pmc.type == 0   ? "does not fit a byte (-128 to 255)"
                    : output.pmc.type == 1 ? "does not fit a word (-32768 to 65535)"
                    : output.pmc.type == 2 ? "does not fit a long"
                                           : "does not fit the type");
    case Output::Kind::Macro:
      if (wire::decimal(value, 9) && wire::binary(value)) return true;
      return refuse("is beyond what a macro variable can be given (+-2147483647)");
    case Output::Kind::Parameter:
      if (std::fabs(value) <= 2147483647.0) return true;
      return refuse("is beyond what a parameter can be given (+-2147483647)");
  }
  return false;
}

WriteStep first_step(const Output& output) {
  if (output.kind == Output::Kind::Parameter) return WriteStep::Inform;
  return output.kind == Output::Kind::PmcBit ? WriteStep::Fetch : WriteStep::Write;
}

WriteStep next_step(WriteStep step) {
  switch (step) {
    case WriteStep::Inform:
    case WriteStep::Fetch: return WriteStep::Write;
    case WriteStep::Write: return WriteStep::ReadBack;
    default: return WriteStep::Done;
  }
}

bool write_request(const WriteJob& job, const ControlInfo& info, std::uint8_t* payload,
                   wire::RequestBlock* block) {
  *block = {};
  if (!std::isfinite(job.value)) return false;
  const Output& output = *job.output;
  const bool writes = job.step == WriteStep::Write;
  std::size_t length = 0;
  switch (output.kind) {
    case Output::Kind::Pmc:
    case Output::Kind::PmcBit:
    case Output::Kind::PmcBytes:
      pmc_block(output.pmc, writes ? wire::PmcCommand::WriteRange : wire::PmcCommand::ReadRange,
                block);
      if (!writes) return true;
      if (output.kind == Output::Kind::PmcBit) {
        if (!fits_bits(output, job.value)) return false;
        payload[0] = with_bits(output, job.value, job.byte);
        length = 1;
      } else {
        length = output.kind == Output::Kind::PmcBytes
                     ? store_bytes(output.pmc, job.value, payload)
                     : store_pmc(output.pmc.type, job.value, payload);
      }
      if (length == 0) return false;
      break;
    case Output::Kind::Macro: {
      block->path = output.path;
      block->command = code(writes ? Command::WriteMacro : Command::ReadMacro);
      block->argument[0] = block->argument[1] = output.number;
      if (!writes) return true;
      const auto number = info.is_new() ? wire::decimal(job.value, 9) : wire::binary(job.value);
      if (!number) return false;
      wire::store_number(payload, *number);
      length = wire::kNumberBytes;
      break;
    }
    case Output::Kind::Parameter:
      block->path = output.path;
      if (job.step == WriteStep::Inform) {
        block->command = code(info.is_new() ? Command::ParameterInfo2 : Command::ParameterInfo);
        block->argument[0] = output.number;
        block->argument[1] = 1;
        return true;
      }
      if (!writes) {
        block->command =
            code(info.is_new() ? Command::ReadParameter : Command::ReadParameterLegacy);
        block->argument[0] = block->argument[1] = output.number;
        block->argument[2] = output.axis;
        return true;
      }
      block->command =
          code(info.is_new() ? Command::WriteParameter : Command::WriteParameterLegacy);
      if (!parameter_payload(job, info, payload, &length)) return false;
      break;
  }
  block->payload = Bytes(payload, length);
  return true;
}

std::size_t reply_bytes(const WriteJob& job, const ControlInfo& info) {
  switch (job.step) {
    case WriteStep::Inform: return info.is_new() ? 28 : 16;
    case WriteStep::Write:
    case WriteStep::Done: return 0;
    default: break;
  }
  switch (job.output->kind) {
    case Output::Kind::PmcBit: return 1;
    case Output::Kind::Pmc:
    case Output::Kind::PmcBytes:
      return static_cast<std::size_t>(job.output->pmc.last - job.output->pmc.first + 1);
    case Output::Kind::Macro: return wire::kNumberBytes;
    default: return record_bytes(info);
  }
}

bool take_answer(WriteJob* job, const ControlInfo& info, Bytes data) {
  if (job->step == WriteStep::Fetch) {
    if (data.empty()) return false;
    job->byte = data[0];
    return true;
  }
  if (job->step != WriteStep::Inform) return true;
  // i32 previous, i32 next, then the record: number and type (i32 on legacy, i16 on new controls).
  if (data.size() < 16 || wire::load_i32(data.data() + 8) != job->output->number) return false;
  const std::int32_t type =
      info.is_new() ? wire::load_i16(data.data() + 12) : wire::load_i32(data.data() + 12) & 0x03;
  if (type < 0 || type > kReal) return false;
  job->parameter_type = static_cast<std::int16_t>(type);
  // What has no point is written, and compared, as a whole number.
  if (!info.is_new() || type != kReal) job->value = std::nearbyint(job->value);
  return true;
}

bool read_back(const WriteJob& job, const ControlInfo& info, Bytes data, double* value) {
  const Output& output = *job.output;
  switch (output.kind) {
    case Output::Kind::PmcBit:
      if (data.empty()) return false;
      *value = data[0] >> output.pmc.bit & ((1u << output.bits) - 1);
      return true;
    case Output::Kind::PmcBytes:
      if (data.size() < static_cast<std::size_t>(output.pmc.last - output.pmc.first + 1))
        return false;
      *value = load_bytes(output.pmc, data.data());
      return true;
    case Output::Kind::Pmc:
      if (data.size() < static_cast<std::size_t>(output.pmc.element_bytes())) return false;
      *value = load_pmc(output.pmc.type, data.data());
      return true;
    case Output::Kind::Macro: {
      if (data.size() < wire::kNumberBytes) return false;
      const auto number = wire::value_of(wire::load_number(data.data()));
      if (number) *value = *number;
      return number.has_value();
    }
    case Output::Kind::Parameter: {
      if (data.size() < 12 || wire::load_i32(data.data()) != output.number) return false;
      const std::int16_t axis = wire::load_i16(data.data() + 4);
      if (axis != output.axis && axis != 0) return false;
      if (!info.is_new()) {
        *value = wire::load_i32(data.data() + 8);
        return true;
      }
      if (data.size() < 16) return false;
      const auto number =
          record_value(wire::load_number(data.data() + 8), wire::load_i16(data.data() + 6), true);
      if (number) *value = *number;
      return number.has_value();
    }
  }
  return false;
}

bool same_value(const Output& output, double written, double read) {
  switch (output.kind) {
    case Output::Kind::PmcBit: return written == read;
    case Output::Kind::PmcBytes: {
      // Written signed or unsigned, the same bits are the same value.
      std::uint8_t meant[8];
      return store_bytes(output.pmc, written, meant) != 0 && load_bytes(output.pmc, meant) == read;
    }
    case Output::Kind::Pmc:
      if (output.pmc.type == 4) return static_cast<float>(written) == static_cast<float>(read);
      if (output.pmc.type == 5) return written == read;
      // Bytes and words may be written signed or unsigned; the same bits are the same value.
      if (output.pmc.type == 0) return ((std::lround(written) ^ std::lround(read)) & 0xff) == 0;
      if (output.pmc.type == 1) return ((std::lround(written) ^ std::lround(read)) & 0xffff) == 0;
      return std::nearbyint(written) == read;
    default: {
      // Nine significant digits go over the wire.
      const double scale = std::fmax(1.0, std::fabs(written));
      return std::fabs(written - read) <= scale * 1e-8;
    }
  }
}

}  // namespace rise::focas
