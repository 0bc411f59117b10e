#include "plugins/packing/packed.hpp"

#include <zstd.h>

#include <charconv>

#include "plugins/bus/wire.hpp"

namespace rise::packing {

using bus::MessagePtr;

struct Packer::State {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  std::string plain;
};

Packer::Packer() : state_(std::make_unique<State>()) {}
Packer::~Packer() { ZSTD_freeCCtx(state_->context); }

bool may_be_packed(const bus::Message& message) {
  return message.priority != bus::Priority::Critical && !is_packed(message) &&
         bus::fault_of(message).empty();
}

MessagePtr Packer::pack(std::span<const MessagePtr> messages, const Dictionary* dictionary,
                        int level) {
  std::string& plain = state_->plain;
  plain.clear();
  std::size_t payloads = 0;
  bus::Priority priority = bus::Priority::Background;
  for (const MessagePtr& message : messages) {
    const std::string envelope = bus::encode(*message);
    const auto size = static_cast<std::uint32_t>(envelope.size());
    for (unsigned shift = 0; shift < 32; shift += 8) {
      plain += static_cast<char>(size >> shift & 0xffu);
    }
    plain += envelope;
    payloads += message->payload.size();
    priority = std::min(priority, message->priority);
  }
  if (plain.size() > kMaxUnpackedBytes || messages.size() > kMaxPacked) return nullptr;
  std::string payload(ZSTD_compressBound(plain.size()), '\0');
  const std::size_t size =
      dictionary != nullptr
          ? ZSTD_compress_usingCDict(state_->context, payload.data(), payload.size(), plain.data(),
                                     plain.size(),
                                     static_cast<const ZSTD_CDict*>(dictionary->for_packing()))
          : ZSTD_compressCCtx(state_->context, payload.data(), payload.size(), plain.data(),
                              plain.size(), level);
  // One message's envelope stays in any case; several are worth it for their envelopes alone.
  if (ZSTD_isError(size) != 0 || size >= payloads + 64 * (messages.size() - 1)) return nullptr;
  payload.resize(size);
  payload.shrink_to_fit();
  bytes_in_ += plain.size();
  bytes_out_ += size;
  const bus::Message& first = *messages.front();
  auto packed = std::make_shared<bus::Message>();
  packed->id = bus::Uuid::make();
  packed->time_ns = messages.back()->time_ns;
  packed->type = first.type;
  packed->priority = priority;
  packed->guarantee = first.guarantee;
  packed->topic = first.topic;
  packed->source = first.source;
  packed->schema = kPackedSchema;
  packed->payload = std::move(payload);
  if (dictionary != nullptr) {
    packed->headers.emplace_back(kDictionaryHeader, std::to_string(dictionary->number()));
  }
  return packed;
}

Unpacked unpack(const bus::Message& packed, const Dictionaries& dictionaries) {
  Unpacked out;
  const auto fail = [&](const char* why) {
    out.messages.clear();
    out.fault = why;
    return std::move(out);
  };
  const std::string& payload = packed.payload;
  const unsigned long long size = ZSTD_getFrameContentSize(payload.data(), payload.size());
  if (size == ZSTD_CONTENTSIZE_ERROR) return fail("packed: no zstd frame");
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size > kMaxUnpackedBytes) {
    return fail("packed: its size is not told, or too large");
  }
  std::shared_ptr<const Dictionary> dictionary;
  if (const unsigned number = ZSTD_getDictID_fromFrame(payload.data(), payload.size());
      number != 0) {
    dictionary = dictionaries.find(number);
    out.dictionary = dictionary == nullptr ? number : 0;
    if (dictionary == nullptr) return fail("packed: with a dictionary that we do not have");
  }
  std::string plain(static_cast<std::size_t>(size), '\0');
  ZSTD_DCtx* context = ZSTD_createDCtx();
  const std::size_t got =
      dictionary != nullptr
          ? ZSTD_decompress_usingDDict(context, plain.data(), plain.size(), payload.data(),
                                       payload.size(),
                                       static_cast<const ZSTD_DDict*>(dictionary->for_unpacking()))
          : ZSTD_decompressDCtx(context, plain.data(), plain.size(), payload.data(),
                                payload.size());
  ZSTD_freeDCtx(context);
  if (ZSTD_isError(got) != 0 || got != plain.size())
    return fail("packed: the zstd frame is damaged");
  std::string_view rest = plain;
  while (!rest.empty()) {
    if (rest.size() < 4) return fail("packed: cut off");
    std::size_t length = 0;
    for (unsigned i = 0; i < 4; ++i) {
      length |= std::size_t{static_cast<unsigned char>(rest[i])} << (8 * i);
    }
    if (rest.size() - 4 < length) return fail("packed: cut off");
    bus::Decoded decoded = bus::decode(rest.substr(4, length));
    if (decoded.message == nullptr) return fail("packed: something in it is no message");
    // Whoever has subscribed to this topic has not asked for others; and nothing packs twice.
    if (decoded.message->topic != packed.topic || is_packed(*decoded.message)) {
      return fail("packed: something in it does not belong there");
    }
    if (out.messages.size() == kMaxPacked) return fail("packed: too many");
    out.messages.push_back(std::move(decoded.message));
    rest.remove_prefix(4 + length);
  }
  if (out.messages.empty()) return fail("packed: nothing in it");
  return out;
}

}  // namespace rise::packing
