#include "rt_core/record/tap.hpp"

#include <cstring>

#include "rise_generated.h"

namespace rise::record {

// One record, put together on the stack: numbers first, then at most one run of bytes.
class Tap::Note {
 public:
  explicit Note(Kind kind) { bytes_[length_++] = static_cast<std::uint8_t>(kind); }
  Note& number(std::uint64_t value) {
    length_ += put_varint(bytes_ + length_, value);
    return *this;
  }
  Note& whole(std::int64_t value) { return number(zigzag(value)); }
  Note& byte(std::uint8_t value) {
    bytes_[length_++] = value;
    return *this;
  }
  void write(Journal* journal) const { journal->put(bytes_, length_); }
  void write(Journal* journal, const void* bytes, std::size_t length) {
    number(length);
    journal->put(bytes_, length_);
    journal->put(bytes, length);
  }

 private:
  static constexpr std::size_t kMaxNumbers = 6;  // and the kind
  std::uint8_t bytes_[1 + kMaxNumbers * kMaxVarintBytes];
  std::size_t length_ = 0;
};

void Tap::time(Kind kind, std::int64_t now_ns) {
  Note(kind).whole(difference(now_ns, last_ns_)).write(journal_);
  last_ns_ = now_ns;
}

void Tap::stamp(std::int64_t now_ns) {
  const std::int64_t later = difference(now_ns, last_ns_);
  if (later < 0 || later >= kShortStampLimit) {
    time(Kind::Stamp, now_ns);
    return;
  }
  const std::uint8_t bytes[2] = {static_cast<std::uint8_t>(kShortStamp | later >> 8),
                                 static_cast<std::uint8_t>(later)};
  journal_->put(bytes, sizeof bytes);
  last_ns_ = now_ns;
}

cycle::Clock Tap::wrap(const cycle::Clock& clock) {
  clock_ = clock;
  cycle::Clock out;
  out.self = this;
  out.now = [](void* self) {
    Tap* tap = of(self);
    const std::int64_t now_ns = tap->clock_.now(tap->clock_.self);
    tap->time(Kind::Now, now_ns);
    return now_ns;
  };
  out.stamp = [](void* self) {
    Tap* tap = of(self);
    const std::int64_t now_ns = tap->clock_.stamp(tap->clock_.self);
    tap->stamp(now_ns);
    return now_ns;
  };
  out.wait_until = [](void* self, std::int64_t deadline_ns) {
    Tap* tap = of(self);
    const std::int64_t now_ns = tap->clock_.wait_until(tap->clock_.self, deadline_ns);
    tap->time(Kind::Wake, now_ns);
    return now_ns;
  };
  return out;
}

io::StreamSink Tap::wrap(const io::StreamSink& sink) {
  sink_ = sink;
  io::StreamSink out;
  out.self = this;
  out.on_open = [](void* self, std::uint32_t owner, std::int32_t stream, std::int64_t now_ns) {
    Tap* tap = of(self);
    Note(Kind::Opened)
        .number(owner)
        .number(static_cast<std::uint32_t>(stream))
        .whole(difference(now_ns, tap->exchange_ns_))
        .write(tap->journal_);
    tap->sink_.on_open(tap->sink_.self, owner, stream, now_ns);
  };
  out.on_bytes = [](void* self, std::uint32_t owner, std::int32_t stream, const std::uint8_t* bytes,
                    std::uint32_t length, std::int64_t now_ns) {
    Tap* tap = of(self);
    Note(Kind::Bytes)
        .number(owner)
        .number(static_cast<std::uint32_t>(stream))
        .whole(difference(now_ns, tap->exchange_ns_))
        .write(tap->journal_, bytes, length);
    tap->sink_.on_bytes(tap->sink_.self, owner, stream, bytes, length, now_ns);
  };
  out.on_closed = [](void* self, std::uint32_t owner, std::int32_t stream, std::int32_t reason,
                     std::int64_t now_ns) {
    Tap* tap = of(self);
    Note(Kind::Closed)
        .number(owner)
        .number(static_cast<std::uint32_t>(stream))
        .whole(difference(now_ns, tap->exchange_ns_))
        .whole(reason)
        .write(tap->journal_);
    tap->sink_.on_closed(tap->sink_.self, owner, stream, reason, now_ns);
  };
  return out;
}

io::DatagramSink Tap::wrap(const io::DatagramSink& sink) {
  datagram_sink_ = sink;
  io::DatagramSink out;
  out.self = this;
  out.on_datagram = [](void* self, std::uint32_t owner, std::int32_t port,
                       const rise_datagram& datagram, std::int64_t now_ns) {
    Tap* tap = of(self);
    Note(Kind::Datagram)
        .number(owner)
        .number(static_cast<std::uint32_t>(port))
        .whole(difference(now_ns, tap->exchange_ns_))
        .number(datagram.from.address)
        .number(datagram.from.port)
        .write(tap->journal_, datagram.bytes, datagram.length);
    tap->datagram_sink_.on_datagram(tap->datagram_sink_.self, owner, port, datagram, now_ns);
  };
  return out;
}

io::StreamPort Tap::wrap(const io::StreamPort& port) {
  port_ = port;
  io::StreamPort out = port;
  out.self = this;
  out.start = [](void* self) { return of(self)->port_.start(of(self)->port_.self); };
  out.open = [](void* self, std::uint32_t owner, const char* host, std::uint16_t number,
                std::uint32_t timeout_ms) {
    Tap* tap = of(self);
    const std::int32_t answer = tap->port_.open(tap->port_.self, owner, host, number, timeout_ms);
    Note(Kind::Open)
        .number(owner)
        .number(number)
        .number(timeout_ms)
        .whole(answer)
        .write(tap->journal_, host, ::strnlen(host, io::kMaxHostLength + 1));
    return answer;
  };
  out.send = [](void* self, std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length) {
    Tap* tap = of(self);
    const std::int32_t answer = tap->port_.send(tap->port_.self, stream, bytes, length);
    Note(Kind::Send)
        .number(static_cast<std::uint32_t>(stream))
        .whole(answer)
        .write(tap->journal_, bytes, length);
    return answer;
  };
  out.close = [](void* self, std::int32_t stream) {
    Tap* tap = of(self);
    const std::int32_t answer = tap->port_.close(tap->port_.self, stream);
    Note(Kind::Close).number(static_cast<std::uint32_t>(stream)).whole(answer).write(tap->journal_);
    return answer;
  };
  out.exchange = [](void* self, std::int64_t now_ns) {
    Tap* tap = of(self);
    Note(Kind::Streams).whole(difference(now_ns, tap->last_ns_)).write(tap->journal_);
    tap->exchange_ns_ = now_ns;
    tap->port_.exchange(tap->port_.self, now_ns);
  };
  return out;
}

io::DatagramPort Tap::wrap(const io::DatagramPort& port) {
  datagrams_ = port;
  if (port.self == nullptr) return port;
  io::DatagramPort out = port;
  out.self = this;
  out.start = [](void* self) { return of(self)->datagrams_.start(of(self)->datagrams_.self); };
  out.send = [](void* self, std::int32_t number, const rise_endpoint& to, const std::uint8_t* bytes,
                std::uint32_t length) {
    Tap* tap = of(self);
    const std::int32_t answer =
        tap->datagrams_.send(tap->datagrams_.self, number, to, bytes, length);
    Note(Kind::DatagramSend)
        .number(static_cast<std::uint32_t>(number))
        .number(to.address)
        .number(to.port)
        .whole(answer)
        .write(tap->journal_, bytes, length);
    return answer;
  };
  out.exchange = [](void* self, std::int64_t now_ns) {
    Tap* tap = of(self);
    Note(Kind::Datagrams).whole(difference(now_ns, tap->last_ns_)).write(tap->journal_);
    tap->exchange_ns_ = now_ns;
    tap->datagrams_.exchange(tap->datagrams_.self, now_ns);
  };
  return out;
}

io::Witness Tap::witness() {
  io::Witness witness;
  witness.self = this;
  witness.utc_offset = [](void* self, std::int64_t* offset_ns) {
    Tap* tap = of(self);
    if (*offset_ns == tap->utc_offset_ns_) return;
    Note(Kind::UtcOffset).whole(difference(*offset_ns, tap->utc_offset_ns_)).write(tap->journal_);
    tap->utc_offset_ns_ = *offset_ns;
  };
  witness.words = [](void* self, io::SeenWords* words) {
    Tap* tap = of(self);
    if (*words == tap->words_) return;
    Note(Kind::Words)
        .number(words->stop_word)
        .whole(static_cast<std::int64_t>(words->heartbeat_ns - tap->words_.heartbeat_ns))
        .byte(static_cast<std::uint8_t>((words->input_lost ? 1 : 0) | (words->stop ? 2 : 0)))
        .write(tap->journal_);
    tap->words_ = *words;
  };
  witness.command = [](void* self, shm::Pop pop, shm::Word* words) {
    Tap* tap = of(self);
    if (pop == shm::Pop::Item) {
      Note(Kind::Command).write(tap->journal_, words, sizeof(message::Command));
    } else if (pop == shm::Pop::Corrupt) {
      Note(Kind::CommandCorrupt).write(tap->journal_);
    }
    return pop;
  };
  witness.notice = [](void* self, std::uint16_t machine, const char* text, std::size_t length) {
    Note(Kind::Notice).number(machine).write(of(self)->journal_, text, length);
  };
  witness.seat = [](void* self, std::uint16_t machine) {
    Note(Kind::Seat).number(machine).write(of(self)->journal_);
  };
  witness.told = [](void* self, std::uint64_t frames, std::uint64_t events, std::uint64_t results) {
    of(self)->journal_->commit(frames, events, results);
  };
  return witness;
}

}  // namespace rise::record
