#include "drivers/focas/wire/frame.hpp"

#include <algorithm>

#include "drivers/focas/wire/bytes.hpp"

namespace rise::focas::wire {

const char* fault_name(Fault fault) {
  switch (fault) {
    case Fault::None: return "none";
    case Fault::BadMagic: return "wrong magic";
    case Fault::TooLong: return "frame too long";
    case Fault::ShortBody: return "body too short";
    case Fault::BadBlock: return "block length contradicts the frame";
    case Fault::BadCount: return "wrong number of blocks";
  }
  return "unknown";
}

Fault read_header(Bytes bytes, Header* header) {
  if (load_u32(bytes.data()) != kMagic) return Fault::BadMagic;
  header->version = load_u16(bytes.data() + 4);
  header->type = static_cast<FrameType>(load_u16(bytes.data() + 6));
  header->length = load_u16(bytes.data() + 8);
  return Fault::None;
}

namespace {

constexpr std::size_t fixed_bytes(const RequestBlock*) { return kRequestBlockBytes; }
constexpr std::size_t fixed_bytes(const ReplyBlock*) { return kReplyBlockBytes; }

// `bytes` is one whole block, at least the fixed part. False: its inner length is wrong.
bool read_fields(Bytes bytes, RequestBlock* block) {
  const std::uint8_t* p = bytes.data();
  for (std::size_t i = 0; i < 4; ++i) block->argument[i] = load_i32(p + 8 + 4 * i);
  const std::size_t payload = load_u32(p + 24);
  if (payload != bytes.size() - kRequestBlockBytes) return false;
  block->payload = bytes.subspan(kRequestBlockBytes);
  return true;
}

bool read_fields(Bytes bytes, ReplyBlock* block) {
  const std::uint8_t* p = bytes.data();
  block->status = static_cast<Status>(load_i16(p + 8));
  block->detail[0] = load_i16(p + 10);
  block->detail[1] = load_i16(p + 12);
  const std::size_t data = load_u16(p + 14);
  if (data != bytes.size() - kReplyBlockBytes) return false;
  block->data = bytes.subspan(kReplyBlockBytes);
  return true;
}

}  // namespace

template <class Block>
BlockReader<Block>::BlockReader(Bytes body) {
  if (body.size() < 2) {
    fault_ = Fault::ShortBody;
    return;
  }
  count_ = load_u16(body.data());
  rest_ = body.subspan(2);
}

template <class Block>
bool BlockReader<Block>::next(Block* block) {
  if (fault_ != Fault::None) return false;
  if (read_ == count_) {
    if (!rest_.empty()) fault_ = Fault::BadCount;
    return false;
  }
  if (rest_.empty()) {
    fault_ = Fault::BadCount;
    return false;
  }
  if (rest_.size() < 2) {
    fault_ = Fault::BadBlock;
    return false;
  }
  const std::size_t length = load_u16(rest_.data());
  if (length < fixed_bytes(block) || length > rest_.size()) {
    fault_ = Fault::BadBlock;
    return false;
  }
  const Bytes bytes = rest_.first(length);
  block->device = static_cast<Device>(load_u16(bytes.data() + 2));
  block->path = load_u16(bytes.data() + 4);
  block->command = load_u16(bytes.data() + 6);
  if (!read_fields(bytes, block)) {
    fault_ = Fault::BadBlock;
    return false;
  }
  rest_ = rest_.subspan(length);
  ++read_;
  return true;
}

template class BlockReader<RequestBlock>;
template class BlockReader<ReplyBlock>;

FrameWriter::FrameWriter(std::span<std::uint8_t> memory, std::uint16_t version, FrameType type)
    : memory_(memory) {
  store_u32(memory_.data(), kMagic);
  store_u16(memory_.data() + 4, version);
  store_u16(memory_.data() + 6, static_cast<std::uint16_t>(type));
}

std::uint8_t* FrameWriter::reserve(std::size_t bytes) {
  if (bytes > memory_.size() - size_) return nullptr;
  std::uint8_t* place = memory_.data() + size_;
  size_ += bytes;
  return place;
}

std::uint8_t* FrameWriter::reserve_block(std::size_t bytes) {
  const std::size_t count_bytes = has_count_ ? 0 : 2;
  std::uint8_t* place = reserve(count_bytes + bytes);
  if (place == nullptr) return nullptr;
  has_count_ = true;
  ++blocks_;
  store_u16(memory_.data() + kHeaderBytes, blocks_);
  store_u16(place + count_bytes, static_cast<std::uint16_t>(bytes));
  return place + count_bytes;
}

bool FrameWriter::add_u16(std::uint16_t value) {
  std::uint8_t* place = reserve(2);
  if (place == nullptr) return false;
  store_u16(place, value);
  return true;
}

bool FrameWriter::add_bytes(Bytes bytes) {
  std::uint8_t* place = reserve(bytes.size());
  if (place == nullptr) return false;
  std::copy(bytes.begin(), bytes.end(), place);
  return true;
}

bool FrameWriter::add(const RequestBlock& block) {
  std::uint8_t* p = reserve_block(kRequestBlockBytes + block.payload.size());
  if (p == nullptr) return false;
  store_u16(p + 2, static_cast<std::uint16_t>(block.device));
  store_u16(p + 4, block.path);
  store_u16(p + 6, block.command);
  for (std::size_t i = 0; i < 4; ++i) store_i32(p + 8 + 4 * i, block.argument[i]);
  store_u32(p + 24, static_cast<std::uint32_t>(block.payload.size()));
  std::copy(block.payload.begin(), block.payload.end(), p + kRequestBlockBytes);
  return true;
}

bool FrameWriter::add(const ReplyBlock& block) {
  std::uint8_t* p = reserve_block(kReplyBlockBytes + block.data.size());
  if (p == nullptr) return false;
  store_u16(p + 2, static_cast<std::uint16_t>(block.device));
  store_u16(p + 4, block.path);
  store_u16(p + 6, block.command);
  store_u16(p + 8, static_cast<std::uint16_t>(block.status));
  store_u16(p + 10, static_cast<std::uint16_t>(block.detail[0]));
  store_u16(p + 12, static_cast<std::uint16_t>(block.detail[1]));
  store_u16(p + 14, static_cast<std::uint16_t>(block.data.size()));
  std::copy(block.data.begin(), block.data.end(), p + kReplyBlockBytes);
  return true;
}

Bytes FrameWriter::finish() {
  store_u16(memory_.data() + 8, static_cast<std::uint16_t>(size_ - kHeaderBytes));
  return memory_.first(size_);
}

bool read_negative(Bytes body, Negative* negative) {
  if (body.size() < 8) return false;
  negative->status = static_cast<Status>(load_i16(body.data() + 2));
  negative->detail[0] = load_i16(body.data() + 4);
  negative->detail[1] = load_i16(body.data() + 6);
  return true;
}

}  // namespace rise::focas::wire
