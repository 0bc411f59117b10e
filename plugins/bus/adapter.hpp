// A transport that carries the bus's messages to other processes and back: Redis, later others.
// What each of them must do is said here, and checked by one conformance test (tests/bus_adapter).
//
// Threads: the bus calls an adapter from one thread at a time, never two at once; the adapter calls
// AdapterEvents from whatever thread it likes, but with no lock held that a call to it needs:
// whoever hears an event may wait for one who is just calling. No call waits for the network: what
// takes time is told later, by an event.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "plugins/bus/message.hpp"

namespace rise::bus {

enum class Link : std::uint8_t { Down, Connecting, Up };

struct AdapterHealth {
  Link link = Link::Down;
  std::string why;         // why it is not Up; or the last error
  std::uint64_t sent = 0;  // messages that the far side has taken
  std::uint64_t received = 0;
  std::uint64_t failed = 0;  // that it has refused, or that were under way when the link broke
  std::uint64_t reconnects = 0;
  double round_trip_ms = 0;  // of late (moving average); 0: not known
};

enum class SendOutcome : std::uint8_t {
  Taken,    // the far side has it: for AtLeastOnce and above, safely
  Failed,   // not, or nobody knows: try again (may then come twice)
  Refused,  // never will: too large, no permission, not a place to write to; see `why`
};

// One message as it came in. The tag is the adapter's own name for it.
struct Delivery {
  MessagePtr message;
  std::uint64_t tag = 0;  // for acknowledge(); 0: needs none
  bool again = false;     // may have come before
};

class AdapterEvents {
 public:
  virtual ~AdapterEvents() = default;
  // For each message of a batch, in its order. `batch`: as send() was given it.
  virtual void sent(std::uint64_t batch, std::span<const SendOutcome> outcomes,
                    std::string_view why) = 0;
  // -> false: there is no room; the adapter stops reading, and offers it again after resume().
  [[nodiscard]] virtual bool delivered(const Delivery& delivery) = 0;
  // Something came in that is no message.
  virtual void malformed(std::string_view from, std::string_view why) = 0;
  virtual void link_changed(Link link, std::string_view why) = 0;
};

struct Subscription {
  std::string pattern;  // as of the bus: '+' is one level, '#' the rest
  Guarantee guarantee = Guarantee::BestEffort;
  std::string group;  // consumers of one group share the messages; empty: each gets all
};

class Adapter {
 public:
  virtual ~Adapter() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;

  // Begins to connect, and from then on connects again by itself whenever the link breaks.
  // `events` outlives close().
  virtual void connect(AdapterEvents* events) = 0;
  // -> false: not now (link down, or too much under way); nothing was taken, try again later.
  // Otherwise events->sent(batch, ...) comes once, in any case, at the latest when the link breaks.
  [[nodiscard]] virtual bool send(std::uint64_t batch, std::span<const MessagePtr> messages) = 0;
  // Before connect() or after it; holds over reconnects until close().
  virtual void subscribe(const Subscription& subscription) = 0;
  // A delivery with AtLeastOnce and above that was not acknowledged comes again: after a reconnect
  // here, or at another consumer of the group.
  virtual void acknowledge(std::span<const std::uint64_t> tags) = 0;
  // There is room again.
  virtual void resume() = 0;
  [[nodiscard]] virtual AdapterHealth health() const = 0;
  // Waits until no event can come any more. Batches under way are told as Failed before.
  virtual void close() = 0;
};

}  // namespace rise::bus
