#include "plugins/recorder/export.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "plugins/recorder/mcap_writer.hpp"
#include "plugins/recorder/text.hpp"
#include "plugins/text/utc.hpp"

namespace rise::recorder {

namespace {

bool any_matches(const std::vector<std::string>& patterns, const std::string& text) {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
           return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
         });
}

// Which signals of a channel are asked for. Null: none of its messages is.
class Choice {
 public:
  explicit Choice(const Selection& selection) : selection_(&selection) {}
  const std::vector<bool>* of(const Channel& channel, const Topic& topic) {
    auto known = channels_.find(channel.id);
    if (known == channels_.end()) known = channels_.emplace(channel.id, choose(topic)).first;
    return known->second ? &*known->second : nullptr;
  }

 private:
  [[nodiscard]] std::optional<std::vector<bool>> choose(const Topic& topic) const {
    if (!selection_->takes_topic(topic.name)) return std::nullopt;
    std::vector<bool> wanted;
    bool any = selection_->signals.empty();
    for (const RecordedSignal& signal : topic.signals) {
      wanted.push_back(selection_->takes_signal(signal.name));
      any = any || wanted.back();
    }
    if (!any) return std::nullopt;
    return wanted;
  }
  const Selection* selection_;
  std::map<std::uint16_t, std::optional<std::vector<bool>>> channels_;
};

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

// The rows of a table under way: samples of one time stand in one row.
class Table {
 public:
  Table(std::size_t columns, const TextOutput& output) : cells_(columns), output_(&output) {}
  // False: the output takes no more.
  bool begin(std::uint64_t time_ns, std::size_t first_column, std::size_t columns) {
    bool taken = time_ns != time_ns_;
    for (std::size_t i = 0; !taken && i < columns; ++i) taken = !cells_[first_column + i].empty();
    if (taken && !end()) return false;
    time_ns_ = time_ns;
    pending_ = true;
    return true;
  }
  void put(std::size_t column, double value) {
    cells_[column] = std::isfinite(value) ? json_number(value) : "";
  }
  bool end() {
    if (!pending_) return true;
    pending_ = false;
    ++rows_;
    std::string line = text::utc_text(static_cast<std::int64_t>(time_ns_));
    line += ',' + std::to_string(time_ns_);
    for (std::string& cell : cells_) {
      line += ',' + cell;
      cell.clear();
    }
    return (*output_)(line + "\n");
  }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }

 private:
  std::vector<std::string> cells_;
  const TextOutput* output_;
  std::uint64_t time_ns_ = 0;
  bool pending_ = false;
  std::uint64_t rows_ = 0;
};

void finish(const McapReader& reader, ExportTotals* totals) {
  totals->read = reader.totals();
  totals->whole = reader.whole();
}

}  // namespace

bool Selection::takes_topic(const std::string& name) const { return any_matches(topics, name); }
bool Selection::takes_signal(const std::string& name) const { return any_matches(signals, name); }

Result<ExportTotals> export_csv(Bytes file, const Selection& selection, const TextOutput& output) {
  // The columns are known once all channels are, so the file is read twice.
  McapReader first(file);
  McapMessage message;
  while (first.next(&message)) {
  }
  MessageDecoder decoder;
  Choice choice(selection);
  std::vector<std::pair<std::string, std::uint16_t>> channels;  // in the order of their topics
  for (const auto& [id, channel] : first.channels()) {
    const Topic& topic = decoder.topic(channel);
    if (topic.kind == TopicKind::Telemetry && choice.of(channel, topic) != nullptr) {
      channels.emplace_back(topic.name, id);
    }
  }
  if (channels.empty()) {
    return Failure{
        "no telemetry among what was asked for; events and commands are no table: "
        "export them with --json"};
  }
  std::sort(channels.begin(), channels.end());
  std::map<std::uint16_t, std::size_t> columns;  // the first one of a channel
  std::string head = "time_utc,time_ns";
  std::size_t count = 0;
  for (const auto& [name, id] : channels) {
    const Topic& topic = decoder.topic(first.channels().at(id));
    const std::vector<bool>& wanted = *choice.of(first.channels().at(id), topic);
    columns[id] = count;
    for (std::size_t i = 0; i < topic.signals.size(); ++i) {
      if (!wanted[i]) continue;
      const RecordedSignal& signal = topic.signals[i];
      const std::string unit = signal.unit.empty() ? "" : " [" + signal.unit + "]";
      head += "," + csv_cell(clean_text(topic.machine + "/" + signal.name + unit));
      ++count;
    }
  }
  ExportTotals totals;
  Table table(count, output);
  McapReader reader(file);
  FrameRow row;
  bool more = output(head + "\n");
  while (more && reader.next(&message)) {
    const auto column = columns.find(message.channel->id);
    if (column == columns.end() || !selection.takes(message.log_time)) continue;
    const Topic& topic = decoder.topic(*message.channel);
    const std::vector<bool>& wanted = *choice.of(*message.channel, topic);
    if (!decoder.frame(message, &row)) {
      ++totals.unreadable;
      continue;
    }
    const auto used = static_cast<std::size_t>(std::count(wanted.begin(), wanted.end(), true));
    more = table.begin(message.log_time, column->second, used);
    std::size_t at = column->second;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i]) table.put(at++, row.values[i]);
    }
  }
  if (more) table.end();
  finish(reader, &totals);
  totals.written = table.rows();
  return totals;
}

Result<ExportTotals> export_json(Bytes file, const Selection& selection, const TextOutput& output) {
  McapReader reader(file);
  MessageDecoder decoder;
  Choice choice(selection);
  ExportTotals totals;
  McapMessage message;
  while (reader.next(&message)) {
    const Topic& topic = decoder.topic(*message.channel);
    const std::vector<bool>* wanted = choice.of(*message.channel, topic);
    if (wanted == nullptr || !selection.takes(message.log_time)) continue;
    const std::string line = json_line(message, &decoder, *wanted);
    if (line.empty()) {
      ++totals.unreadable;
      continue;
    }
    if (!output(line + "\n")) break;
    ++totals.written;
  }
  finish(reader, &totals);
  return totals;
}

Result<ExportTotals> export_mcap(Bytes file, const Selection& selection, const TextOutput& output) {
  constexpr std::size_t kChunkBytes = 1u << 20u;
  McapReader reader(file);
  MessageDecoder decoder;
  Choice choice(selection);
  ExportTotals totals;
  McapWriterOptions options;
  options.library = "rise export";
  McapWriter writer(options, output);
  if (!writer.begin()) return totals;
  writer.add(Schema{1, "rise.json", "jsonschema", "{\"type\":\"object\"}"});
  std::map<std::uint16_t, bool> added;
  McapMessage message;
  FrameRow row;
  bool more = true;
  while (more && reader.next(&message)) {
    const Topic& topic = decoder.topic(*message.channel);
    const std::vector<bool>* wanted = choice.of(*message.channel, topic);
    if (wanted == nullptr || !selection.takes(message.log_time)) continue;
    std::string text;
    if (topic.kind == TopicKind::Telemetry && decoder.frame(message, &row)) {
      for (std::size_t i = 0; i < row.values.size(); ++i) {
        // What is not valid is left out: null is no number to those who plot.
        if (!(*wanted)[i] || !std::isfinite(row.values[i])) continue;
        text += (text.empty() ? "{" : ",") + json_text(topic.signals[i].name) + ":" +
                json_number(row.values[i]);
      }
      text += text.empty() ? "{}" : "}";
    } else {
      text = json_line(message, &decoder);
    }
    if (text.empty()) {
      ++totals.unreadable;
      continue;
    }
    if (!std::exchange(added[message.channel->id], true)) {
      Metadata about = message.channel->metadata;
      about.erase("signals");
      writer.add(Channel{message.channel->id, 1, topic.name, "json", std::move(about)});
    }
    writer.message(message.channel->id, message.sequence, message.log_time, message.publish_time,
                   {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    ++totals.written;
    if (writer.chunk_bytes() >= kChunkBytes) more = writer.end_chunk();
  }
  if (more) writer.finish();
  finish(reader, &totals);
  return totals;
}

}  // namespace rise::recorder
