#include "plugins/recorder/topic.hpp"

#include <boost/json.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "plugins/recorder/frame_layout.hpp"
#include "plugins/recorder/text.hpp"
#include "plugins/text/utc.hpp"

namespace rise::recorder {

namespace {

constexpr std::size_t kMaxMessage = 1u << 30u;
constexpr std::size_t kMaxSignals = 4096;  // of a channel; we write 64
constexpr std::size_t kMaxRawShown = 65'536;

std::string entry(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

std::string member(const boost::json::object& object, const char* key) {
  const boost::json::value* found = object.if_contains(key);
  if (found == nullptr || !found->is_string()) return "";
  return std::string(found->get_string());
}

std::vector<RecordedSignal> signals_of(const std::string& json) {
  std::vector<RecordedSignal> signals;
  boost::json::error_code error;
  const boost::json::value listed = boost::json::parse(json, error);
  if (error || !listed.is_array()) return signals;
  for (const boost::json::value& one : listed.get_array()) {
    if (!one.is_object() || signals.size() == kMaxSignals) return {};
    const boost::json::object& object = one.get_object();
    signals.push_back({member(object, "field"), member(object, "name"), member(object, "unit"),
                       member(object, "type")});
  }
  return signals;
}

// "alarm_on" of AlarmOn.
std::string word(const char* name) {
  std::string text;
  for (const char* c = name; *c != '\0'; ++c) {
    const bool capital = *c >= 'A' && *c <= 'Z';
    if (capital && !text.empty()) text += '_';
    text += static_cast<char>(capital ? *c - 'A' + 'a' : *c);
  }
  return text;
}

std::string plain(const flatbuffers::String* text) {
  return text == nullptr ? std::string() : text->str();
}

std::string hex(const flatbuffers::Vector<std::uint8_t>* data) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  if (data == nullptr) return text;
  for (std::size_t i = 0; i < data->size() && i < kMaxRawShown; ++i) {
    const std::uint8_t byte = data->Get(static_cast<flatbuffers::uoffset_t>(i));
    text += kDigits[byte >> 4u];
    text += kDigits[byte & 15u];
  }
  return text;
}

// Puts members into a line of JSON.
class Line {
 public:
  Line(const McapMessage& message, const Topic& topic) {
    const auto utc_ns = static_cast<std::int64_t>(message.log_time);
    text_ = "{\"time\":\"" + text::utc_text(utc_ns) + "\",\"time_ns\":" + std::to_string(utc_ns);
    text("topic", topic.name);
    if (!topic.machine.empty()) text("machine", topic.machine);
    if (!topic.lane.empty()) text("lane", topic.lane);
  }
  void text(const char* key, std::string_view value) { add(key, json_text(value)); }
  void number(const char* key, double value) { add(key, json_number(value)); }
  template <class Whole>
  void whole(const char* key, Whole value) {
    add(key, std::to_string(value));
  }
  void add(const char* key, const std::string& json) {
    text_ += std::string(",\"") + key + "\":" + json;
  }
  [[nodiscard]] std::string end() const { return text_ + "}"; }

 private:
  std::string text_;
};

void add_event(const recorded::Event& event, Line* line) {
  line->whole("sequence", event.sequence());
  line->text("kind", word(recorded::EnumNameEventKind(event.kind())));
  line->text("severity", word(recorded::EnumNameSeverity(event.severity())));
  line->whole("code", event.code());
  line->whole("detail", event.detail());
  line->number("value", event.value());
  if (event.path() != 0) line->whole("path", event.path());
  if (event.signal() != nullptr) line->text("signal", plain(event.signal()));
  line->text("text", plain(event.text()));
  line->text("summary", plain(event.summary()));
}

void add_command(const recorded::Command& command, Line* line) {
  line->whole("sequence", command.sequence());
  line->text("kind", word(recorded::EnumNameCommandKind(command.kind())));
  line->text("outcome", word(recorded::EnumNameOutcome(command.outcome())));
  if (command.refusal() != 0) line->whole("refusal", unsigned{command.refusal()});
  line->text("output", plain(command.output()));
  line->number("requested", command.requested());
  line->number("value", command.value());
  line->whole("detail", command.detail());
  line->text("approver", plain(command.approver()));
  line->text("summary", plain(command.summary()));
}

void add_raw(const recorded::Raw& raw, Line* line) {
  line->text("direction", word(recorded::EnumNameDirection(raw.direction())));
  line->whole("stream", raw.stream());
  line->whole("bytes", raw.data() == nullptr ? 0 : raw.data()->size());
  line->text("hex", hex(raw.data()));
}

void add_frame(const FrameRow& row, const Topic& topic, const std::vector<bool>& wanted,
               Line* line) {
  line->whole("sequence", row.sequence);
  line->text("quality", word(recorded::EnumNameQuality(row.quality)));
  std::string signals = "{";
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    if (i < wanted.size() && !wanted[i]) continue;
    if (signals.size() > 1) signals += ',';
    signals += json_text(topic.signals[i].name) + ":" + json_number(row.values[i]);
  }
  line->add("signals", signals + "}");
}

}  // namespace

Topic topic_of(const Channel& channel) {
  Topic topic;
  topic.name = channel.topic;
  topic.machine = entry(channel.metadata, "machine");
  topic.lane = entry(channel.metadata, "lane");
  if (channel.encoding != "flatbuffer") return topic;
  const std::string kind = entry(channel.metadata, "kind");
  if (kind == "telemetry") {
    topic.kind = TopicKind::Telemetry;
    topic.signals = signals_of(entry(channel.metadata, "signals"));
  } else if (kind == "event") {
    topic.kind = TopicKind::Event;
  } else if (kind == "command") {
    topic.kind = TopicKind::Command;
  } else if (kind == "raw") {
    topic.kind = TopicKind::Raw;
  }
  return topic;
}

const Topic& MessageDecoder::topic(const Channel& channel) {
  const auto known = topics_.find(channel.id);
  if (known != topics_.end()) return known->second;
  return topics_.emplace(channel.id, topic_of(channel)).first->second;
}

template <class Table>
const Table* MessageDecoder::verified(Bytes data) {
  if (data.empty() || data.size() > kMaxMessage) return nullptr;
  aligned_.resize((data.size() + 7) / 8);
  bytes_ = data.size();
  std::memcpy(aligned_.data(), data.data(), data.size());
  const auto* begin = reinterpret_cast<const std::uint8_t*>(aligned_.data());
  flatbuffers::Verifier verifier(begin, bytes_);
  if (!verifier.VerifyBuffer<Table>(nullptr)) return nullptr;
  return flatbuffers::GetRoot<Table>(begin);
}

bool MessageDecoder::frame(const McapMessage& message, FrameRow* row) {
  const Topic& told = topic(*message.channel);
  if (told.kind != TopicKind::Telemetry) return false;
  const auto* frame = verified<recorded::Frame>(message.data);
  if (frame == nullptr) return false;
  row->sequence = frame->sequence();
  row->sample_utc_ns = frame->sample_utc_ns();
  row->quality = frame->quality();
  row->values.assign(told.signals.size(), std::numeric_limits<double>::quiet_NaN());
  // The common fields were verified; those of the signals each by itself.
  const auto* begin = reinterpret_cast<const std::uint8_t*>(aligned_.data());
  const flatbuffers::Verifier verifier(begin, bytes_);
  const auto* table = flatbuffers::GetRoot<flatbuffers::Table>(begin);
  for (std::size_t i = 0; i < told.signals.size(); ++i) {
    const auto field = static_cast<flatbuffers::voffset_t>(4 + 2 * (FrameLayout::kFirstSignal + i));
    if (!table->VerifyField<double>(verifier, field, sizeof(double))) return false;
    row->values[i] = table->GetField<double>(field, std::numeric_limits<double>::quiet_NaN());
  }
  return true;
}

const recorded::Event* MessageDecoder::event(const McapMessage& message) {
  if (topic(*message.channel).kind != TopicKind::Event) return nullptr;
  return verified<recorded::Event>(message.data);
}

const recorded::Command* MessageDecoder::command(const McapMessage& message) {
  if (topic(*message.channel).kind != TopicKind::Command) return nullptr;
  return verified<recorded::Command>(message.data);
}

const recorded::Raw* MessageDecoder::raw(const McapMessage& message) {
  if (topic(*message.channel).kind != TopicKind::Raw) return nullptr;
  return verified<recorded::Raw>(message.data);
}

std::string json_line(const McapMessage& message, MessageDecoder* decoder,
                      const std::vector<bool>& wanted) {
  const Topic& topic = decoder->topic(*message.channel);
  Line line(message, topic);
  switch (topic.kind) {
    case TopicKind::Telemetry: {
      FrameRow row;
      if (!decoder->frame(message, &row)) return "";
      add_frame(row, topic, wanted, &line);
      return line.end();
    }
    case TopicKind::Event:
      if (const recorded::Event* event = decoder->event(message)) {
        add_event(*event, &line);
        return line.end();
      }
      return "";
    case TopicKind::Command:
      if (const recorded::Command* command = decoder->command(message)) {
        add_command(*command, &line);
        return line.end();
      }
      return "";
    case TopicKind::Raw:
      if (const recorded::Raw* raw = decoder->raw(message)) {
        add_raw(*raw, &line);
        return line.end();
      }
      return "";
    case TopicKind::Foreign: break;
  }
  return "";
}

}  // namespace rise::recorder
