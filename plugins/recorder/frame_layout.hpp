// How the frames of one page of a machine are recorded: a FlatBuffers table with a field for each
// signal. Frames of one page all have the same shape, so the bytes are laid out once, and each
// frame is a copy with its values put in: no builder runs per frame.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugins/recorder/directory.hpp"
#include "plugins/recorder/mcap_format.hpp"

namespace rise::recorder {

class FrameLayout {
 public:
  // `number` makes the table's name unique within a file: "rise.recorded.Frame<number>".
  FrameLayout(const Machine& machine, std::uint16_t page, unsigned number);

  // Frames of pages with the same text can share a schema.
  static std::string signature(const Machine& machine, std::uint16_t page);

  [[nodiscard]] const std::string& schema_name() const { return schema_name_; }
  // Binary schema (reflection), as of `flatc -b --schema`.
  [[nodiscard]] const std::string& schema() const { return schema_; }
  // The signals as JSON, for the channel's metadata: [{"field","name","unit","type","choices"},
  // ...] in the order of the fields, the first of which has the number kFirstSignal.
  [[nodiscard]] const std::string& signals_json() const { return signals_json_; }

  // The recorded form, until the next call. A value that is not valid is recorded as NaN; the core
  // publishes no NaN as valid.
  Bytes encode(const message::TelemetryFrame& frame);

  // Number of the field of the first signal in the table.
  static const unsigned kFirstSignal;

 private:
  void lay_out(std::size_t signals);

  std::string schema_name_;
  std::string schema_;
  std::string signals_json_;
  std::vector<std::uint16_t> slots_;  // of the frame, by field
  std::string bytes_;
  std::size_t sequence_at_ = 0;
  std::size_t cycle_at_ = 0;
  std::size_t sample_utc_at_ = 0;
  std::size_t sample_mono_at_ = 0;
  std::size_t publish_mono_at_ = 0;
  std::size_t quality_at_ = 0;
  std::vector<std::size_t> values_at_;
};

// A field name as FlatBuffers allows it: "axis.x.position" is axis_x_position.
std::string field_name(const std::string& signal);

}  // namespace rise::recorder
