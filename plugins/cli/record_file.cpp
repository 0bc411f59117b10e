// `rise record info`, `rise record repair` and `rise record raw`.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "plugins/cli/record.hpp"
#include "plugins/recorder/mapped_file.hpp"
#include "plugins/recorder/output_file.hpp"
#include "plugins/recorder/raw_import.hpp"
#include "plugins/recorder/repair.hpp"
#include "plugins/recorder/text.hpp"
#include "plugins/recorder/topic.hpp"
#include "plugins/text/utc.hpp"

namespace rise::cli {

namespace {

using recorder::json_text;

constexpr std::size_t kShownFaults = 10;

struct TopicCount {
  const recorder::Channel* channel = nullptr;
  std::uint64_t messages = 0;
};

struct Contents {
  std::map<std::string, TopicCount> topics;
  std::uint64_t first_ns = 0;
  std::uint64_t last_ns = 0;
};

Contents look(recorder::McapReader* reader) {
  Contents found;
  recorder::McapMessage message;
  std::map<const recorder::Channel*, std::uint64_t> counts;
  bool first = true;
  while (reader->next(&message)) {
    ++counts[message.channel];
    found.first_ns = first ? message.log_time : std::min(found.first_ns, message.log_time);
    found.last_ns = first ? message.log_time : std::max(found.last_ns, message.log_time);
    first = false;
  }
  for (const auto& [channel, count] : counts) {
    TopicCount& topic = found.topics[channel->topic];
    topic.channel = channel;
    topic.messages += count;
  }
  return found;
}

std::string time_of(std::uint64_t ns) { return text::utc_text(static_cast<std::int64_t>(ns)); }

double ratio_of(const recorder::ReaderTotals& totals, std::size_t file_bytes) {
  return file_bytes == 0 ? 0
                         : static_cast<double>(totals.raw_bytes) / static_cast<double>(file_bytes);
}

void print_text(const recorder::McapReader& reader, const Contents& found, std::size_t bytes) {
  const recorder::ReaderTotals& totals = reader.totals();
  std::printf("written by  %s\n", recorder::clean_text(reader.library()).c_str());
  std::printf("messages    %llu in %llu chunks\n", static_cast<unsigned long long>(totals.messages),
              static_cast<unsigned long long>(totals.chunks));
  if (totals.messages > 0) {
    std::printf("from        %s\nto          %s\nlasting     %.3f s\n",
                time_of(found.first_ns).c_str(), time_of(found.last_ns).c_str(),
                static_cast<double>(found.last_ns - found.first_ns) * 1e-9);
  }
  std::printf("size        %zu bytes, compressed %.2f times\n", bytes, ratio_of(totals, bytes));
  for (const auto& [name, topic] : found.topics) {
    const recorder::Topic told = recorder::topic_of(*topic.channel);
    std::printf("  %-28s %10llu", recorder::clean_text(name).c_str(),
                static_cast<unsigned long long>(topic.messages));
    if (!told.signals.empty()) std::printf("  %zu signals", told.signals.size());
    std::printf("\n");
  }
  std::size_t shown = 0;
  for (const recorder::Fault& fault : reader.faults()) {
    if (++shown > kShownFaults) break;
    std::printf("fault       at byte %llu: %s\n", static_cast<unsigned long long>(fault.offset),
                recorder::clean_text(fault.text).c_str());
  }
  if (totals.faults > kShownFaults) {
    std::printf("fault       %llu in all\n", static_cast<unsigned long long>(totals.faults));
  }
}

void print_json(const recorder::McapReader& reader, const Contents& found, std::size_t bytes) {
  const recorder::ReaderTotals& totals = reader.totals();
  std::string text = "{\"whole\":" + std::string(reader.whole() ? "true" : "false");
  text += ",\"library\":" + json_text(reader.library());
  text += ",\"messages\":" + std::to_string(totals.messages);
  text += ",\"chunks\":" + std::to_string(totals.chunks);
  text += ",\"bytes\":" + std::to_string(bytes);
  text += ",\"raw_bytes\":" + std::to_string(totals.raw_bytes);
  text += ",\"compression\":" + recorder::json_number(ratio_of(totals, bytes));
  text += ",\"first_ns\":" + std::to_string(found.first_ns);
  text += ",\"last_ns\":" + std::to_string(found.last_ns) + ",\"topics\":[";
  bool first = true;
  for (const auto& [name, topic] : found.topics) {
    text += std::string(first ? "" : ",") + "{\"topic\":" + json_text(name);
    text += ",\"messages\":" + std::to_string(topic.messages) + ",\"signals\":[";
    bool first_signal = true;
    for (const recorder::RecordedSignal& signal : recorder::topic_of(*topic.channel).signals) {
      text += std::string(first_signal ? "" : ",") + "{\"name\":" + json_text(signal.name);
      text += ",\"field\":" + json_text(signal.field) + ",\"unit\":" + json_text(signal.unit);
      text += ",\"type\":" + json_text(signal.type) + "}";
      first_signal = false;
    }
    text += "]}";
    first = false;
  }
  text += "],\"fault_count\":" + std::to_string(totals.faults) + ",\"faults\":[";
  first = true;
  for (const recorder::Fault& fault : reader.faults()) {
    text += std::string(first ? "" : ",") + "{\"offset\":" + std::to_string(fault.offset);
    text += ",\"text\":" + json_text(fault.text) + "}";
    first = false;
  }
  std::printf("%s]}\n", text.c_str());
}

// "a.mcap" is repaired into "a.repaired.mcap".
std::string repaired_name(const std::string& file) {
  std::filesystem::path path = file;
  return (path.parent_path() / path.stem()).string() + ".repaired.mcap";
}

}  // namespace

int record_info(const RecordingOptions& options) {
  auto file = recorder::open_recording(options.file);
  if (!file) {
    std::fprintf(stderr, "rise record info: %s\n", file.error().c_str());
    return 1;
  }
  recorder::McapReader reader(file->bytes());
  const Contents found = look(&reader);
  (options.json ? print_json : print_text)(reader, found, file->bytes().size());
  if (!reader.whole()) {
    std::fprintf(stderr, "rise record info: %s is not whole; rise record repair %s\n",
                 options.file.c_str(), options.file.c_str());
  }
  return reader.whole() ? 0 : 1;
}

int record_repair(const RecordingOptions& options) {
  const auto complain = [](const std::string& why) {
    std::fprintf(stderr, "rise record repair: %s\n", why.c_str());
    return 1;
  };
  auto file = recorder::open_recording(options.file);
  if (!file) return complain(file.error());
  if (options.out.empty()) {
    recorder::McapReader reader(file->bytes());
    recorder::McapMessage message;
    while (reader.next(&message)) {
    }
    if (reader.whole()) {
      std::fprintf(stderr, "rise record repair: %s is whole: there is nothing to repair\n",
                   options.file.c_str());
      return 0;
    }
  }
  const std::string out = options.out.empty() ? repaired_name(options.file) : options.out;
  auto target = recorder::OutputFile::create(out);
  if (!target) return complain(target.error());
  recorder::RepairTotals totals;
  const bool good = recorder::repair(
      file->bytes(), [&](std::string_view bytes) { return (*target)->write(bytes); }, &totals);
  if (!good || !(*target)->close()) return complain((*target)->problem());
  for (std::size_t i = 0; i < totals.faults.size() && i < kShownFaults; ++i) {
    std::fprintf(stderr, "rise record repair: byte %llu: %s\n",
                 static_cast<unsigned long long>(totals.faults[i].offset),
                 recorder::clean_text(totals.faults[i].text).c_str());
  }
  std::fprintf(stderr, "rise record repair: %llu messages of %llu chunks are in %s\n",
               static_cast<unsigned long long>(totals.read.messages),
               static_cast<unsigned long long>(totals.read.chunks), out.c_str());
  std::printf("%s\n", out.c_str());
  return 0;
}

int record_raw(const RecordingOptions& options) {
  const std::string out = options.out.empty() ? options.file + ".mcap" : options.out;
  const auto done = recorder::import_raw(options.file, out);
  if (!done) {
    std::fprintf(stderr, "rise record raw: %s\n", done.error().c_str());
    return 1;
  }
  std::fprintf(stderr, "rise record raw: %llu messages, %llu bytes, of %llu cycles are in %s\n",
               static_cast<unsigned long long>(done->messages),
               static_cast<unsigned long long>(done->bytes),
               static_cast<unsigned long long>(done->cycles), out.c_str());
  if (done->cut) {
    std::fprintf(stderr, "rise record raw: %s was cut off, or is still being written\n",
                 options.file.c_str());
  }
  if (!done->fault.empty()) {
    std::fprintf(stderr, "rise record raw: %s ends early: %s\n", options.file.c_str(),
                 done->fault.c_str());
  }
  std::printf("%s\n", out.c_str());
  return done->fault.empty() ? 0 : 1;
}

}  // namespace rise::cli
