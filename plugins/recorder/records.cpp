#include "plugins/recorder/records.hpp"

#include "plugins/recorder/text.hpp"
#include "record_schema.hpp"
#include "rt_core/message/event_text.hpp"
#include "rt_core/message/text.hpp"

namespace rise::recorder {

std::string_view record_schema() {
  return {reinterpret_cast<const char*>(kRecordSchema), sizeof kRecordSchema};
}

template <class Table>
Bytes RecordEncoder::finish(flatbuffers::Offset<Table> root) {
  builder_.Finish(root);
  return {builder_.GetBufferPointer(), builder_.GetSize()};
}

Bytes RecordEncoder::encode(const message::MachineEvent& event, const Machine* machine) {
  builder_.Clear();
  const std::string_view whole = message::get_text(event.text());
  const auto text = builder_.CreateString(clean_text(whole.substr(0, event.text_length())));
  const auto summary = builder_.CreateString(clean_text(message::event_text(event)));
  flatbuffers::Offset<flatbuffers::String> signal;
  if (event.kind() == message::EventKind::Text && machine != nullptr) {
    for (const Signal& known : machine->signals) {
      if (known.number == event.code()) signal = builder_.CreateString(clean_text(known.name));
    }
  }
  recorded::EventBuilder table(builder_);
  table.add_sequence(event.sequence());
  table.add_cycle(event.cycle());
  table.add_utc_ns(event.utc_ns());
  table.add_mono_ns(event.mono_ns());
  table.add_kind(static_cast<recorded::EventKind>(event.kind()));
  table.add_severity(static_cast<recorded::Severity>(event.severity()));
  table.add_code(event.code());
  table.add_detail(event.detail());
  table.add_value(event.value());
  table.add_path(event.path());
  table.add_text(text);
  table.add_summary(summary);
  if (!signal.IsNull()) table.add_signal(signal);
  return finish(table.Finish());
}

Bytes RecordEncoder::encode(const message::CommandResult& result, const Machine* machine) {
  builder_.Clear();
  const bool has_output = result.kind() == message::CommandKind::SetOutput && machine != nullptr &&
                          result.output() < machine->outputs.size();
  const auto output =
      builder_.CreateString(has_output ? clean_text(machine->outputs[result.output()]) : "");
  const auto approver = builder_.CreateString(clean_text(message::get_text(result.approver())));
  const auto summary = builder_.CreateString(clean_text(message::result_text(result)));
  recorded::CommandBuilder table(builder_);
  table.add_sequence(result.sequence());
  table.add_utc_ns(result.utc_ns());
  table.add_mono_ns(result.mono_ns());
  table.add_issued_mono_ns(result.issued_mono_ns());
  table.add_kind(static_cast<recorded::CommandKind>(result.kind()));
  table.add_outcome(static_cast<recorded::Outcome>(result.outcome()));
  table.add_refusal(static_cast<std::uint8_t>(result.refusal()));
  table.add_output(output);
  table.add_requested(result.requested());
  table.add_value(result.value());
  table.add_detail(result.detail());
  table.add_approver(approver);
  table.add_summary(summary);
  return finish(table.Finish());
}

Bytes RecordEncoder::encode(const RawBytes& raw) {
  builder_.Clear();
  const auto data = builder_.CreateVector(raw.data.data(), raw.data.size());
  recorded::RawBuilder table(builder_);
  table.add_utc_ns(raw.utc_ns);
  table.add_mono_ns(raw.mono_ns);
  table.add_direction(raw.direction);
  table.add_stream(raw.stream);
  table.add_data(data);
  return finish(table.Finish());
}

}  // namespace rise::recorder
