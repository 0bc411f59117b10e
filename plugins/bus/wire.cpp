#include "plugins/bus/wire.hpp"

#include <flatbuffers/flatbuffers.h>

#include <cstring>

namespace rise::bus {

namespace {

constexpr flatbuffers::uoffset_t kMaxDepth = 8;
constexpr flatbuffers::uoffset_t kMaxTables = 4 + kMaxHeaders;
constexpr std::size_t kUsualBytes = 512;

std::string text_of(const flatbuffers::String* text) { return text == nullptr ? "" : text->str(); }

}  // namespace

std::string encode(const Message& message) {
  flatbuffers::FlatBufferBuilder builder(kUsualBytes + message.payload.size());
  const auto text = [&](const std::string& value) {
    return value.empty() ? flatbuffers::Offset<flatbuffers::String>() : builder.CreateString(value);
  };
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<Header>>> headers;
  if (!message.headers.empty()) {
    std::vector<flatbuffers::Offset<Header>> entries;
    entries.reserve(message.headers.size());
    for (const auto& [key, value] : message.headers) {
      const auto key_text = builder.CreateString(key);
      entries.push_back(CreateHeader(builder, key_text, builder.CreateString(value)));
    }
    headers = builder.CreateVector(entries);
  }
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>> destinations;
  if (!message.destinations.empty()) {
    destinations = builder.CreateVectorOfStrings(message.destinations);
  }
  const auto topic = builder.CreateString(message.topic);
  const auto source = text(message.source);
  const auto reply_to = text(message.reply_to);
  const auto schema = text(message.schema);
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> payload;
  if (!message.payload.empty()) {
    payload = builder.CreateVector(reinterpret_cast<const std::uint8_t*>(message.payload.data()),
                                   message.payload.size());
  }
  flatbuffers::Offset<Retry> retry;
  if (message.retry.attempts != 0 || message.retry.first_ms != 0 || message.retry.max_ms != 0) {
    retry =
        CreateRetry(builder, message.retry.attempts, message.retry.first_ms, message.retry.max_ms);
  }
  EnvelopeBuilder envelope(builder);
  envelope.add_id_high(message.id.high);
  envelope.add_id_low(message.id.low);
  envelope.add_time_ns(message.time_ns);
  envelope.add_correlation_high(message.correlation.high);
  envelope.add_correlation_low(message.correlation.low);
  envelope.add_ttl_ms(message.ttl_ms);
  envelope.add_sequence(message.sequence);
  envelope.add_topic(topic);
  envelope.add_source(source);
  envelope.add_destinations(destinations);
  envelope.add_reply_to(reply_to);
  envelope.add_retry(retry);
  envelope.add_headers(headers);
  envelope.add_schema(schema);
  envelope.add_payload(payload);
  envelope.add_version(message.version);
  envelope.add_type(message.type);
  envelope.add_priority(message.priority);
  envelope.add_guarantee(message.guarantee);
  envelope.add_encoding(message.encoding);
  FinishEnvelopeBuffer(builder, envelope.Finish());
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

namespace {

std::string excess_in(const Envelope& envelope) {
  const auto longer = [](const flatbuffers::String* text, std::size_t most) {
    return text != nullptr && text->size() > most;
  };
  if (longer(envelope.topic(), kMaxTopicBytes)) return "its topic is too long";
  if (longer(envelope.source(), kMaxNameBytes) || longer(envelope.schema(), kMaxNameBytes) ||
      longer(envelope.reply_to(), kMaxTopicBytes)) {
    return "a name in it is too long";
  }
  if (const auto* destinations = envelope.destinations(); destinations != nullptr) {
    if (destinations->size() > kMaxDestinations) return "too many destinations";
    for (const flatbuffers::String* name : *destinations) {
      if (longer(name, kMaxNameBytes)) return "a destination is too long";
    }
  }
  if (const auto* headers = envelope.headers(); headers != nullptr) {
    if (headers->size() > kMaxHeaders) return "too many headers";
    for (const Header* header : *headers) {
      if (longer(header->key(), kMaxNameBytes) || longer(header->value(), kMaxHeaderBytes)) {
        return "a header is too long";
      }
    }
  }
  const auto* payload = envelope.payload();
  return payload != nullptr && payload->size() > kMaxPayloadBytes ? "its payload is too long" : "";
}

}  // namespace

Decoded decode(std::string_view bytes) {
  // Its numbers lie at multiples of their size, counted from the beginning.
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(std::uint64_t) != 0) {
    const std::vector<std::uint64_t> aligned = [&] {
      std::vector<std::uint64_t> words(bytes.size() / sizeof(std::uint64_t) + 1);
      std::memcpy(words.data(), bytes.data(), bytes.size());
      return words;
    }();
    return decode({reinterpret_cast<const char*>(aligned.data()), bytes.size()});
  }
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  flatbuffers::Verifier verifier(data, bytes.size(), kMaxDepth, kMaxTables);
  if (bytes.size() < 8 || !VerifyEnvelopeBuffer(verifier)) return {nullptr, "is no envelope"};
  const Envelope& envelope = *GetEnvelope(data);
  // Before anything is copied: a thousand entries may all point to the same megabytes.
  if (std::string fault = excess_in(envelope); !fault.empty()) return {nullptr, std::move(fault)};
  auto message = std::make_shared<Message>();
  message->id = {envelope.id_high(), envelope.id_low()};
  message->time_ns = envelope.time_ns();
  message->version = envelope.version();
  message->type = envelope.type();
  message->priority = envelope.priority();
  message->guarantee = envelope.guarantee();
  message->topic = text_of(envelope.topic());
  message->source = text_of(envelope.source());
  if (envelope.destinations() != nullptr) {
    for (const flatbuffers::String* destination : *envelope.destinations()) {
      message->destinations.push_back(destination->str());
    }
  }
  message->correlation = {envelope.correlation_high(), envelope.correlation_low()};
  message->reply_to = text_of(envelope.reply_to());
  message->ttl_ms = envelope.ttl_ms();
  if (const Retry* retry = envelope.retry(); retry != nullptr) {
    message->retry = {retry->attempts(), retry->first_ms(), retry->max_ms()};
  }
  if (envelope.headers() != nullptr) {
    for (const Header* header : *envelope.headers()) {
      message->headers.emplace_back(header->key()->str(), header->value()->str());
    }
  }
  message->encoding = envelope.encoding();
  message->schema = text_of(envelope.schema());
  if (envelope.payload() != nullptr) {
    message->payload.assign(reinterpret_cast<const char*>(envelope.payload()->data()),
                            envelope.payload()->size());
  }
  message->sequence = envelope.sequence();
  std::string fault = fault_of(*message);
  if (!fault.empty()) return {nullptr, std::move(fault)};
  return {std::move(message), {}};
}

}  // namespace rise::bus
