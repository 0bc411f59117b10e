#include "rt_core/io/neighbours.hpp"

#include <algorithm>

namespace rise::io {

using packet::Mac;

bool Neighbours::add_static(std::uint32_t address, const Mac& mac) {
  Entry* entry = lookup(address);
  if (entry == nullptr) {
    if (size_ == kCapacity) return false;
    entry = &entries_[size_++];
  }
  *entry = {address, mac, State::Static, 0, 0, kNever, kNever};
  return true;
}

Neighbours::Entry* Neighbours::lookup(std::uint32_t address) {
  if (last_ < size_ && entries_[last_].address == address) return &entries_[last_];
  for (std::size_t i = 0; i < size_; ++i) {
    if (entries_[i].address != address) continue;
    last_ = i;
    return &entries_[i];
  }
  return nullptr;
}

// A full table gives up the entry that has been unused for longest, but none that is in use: else
// whoever sends many ARP requests could keep us from reaching anybody.
Neighbours::Entry* Neighbours::make(std::uint32_t address, std::int64_t now_ns) {
  Entry* entry = nullptr;
  if (size_ < kCapacity) {
    entry = &entries_[size_++];
  } else {
    for (Entry& other : entries_) {
      if (other.state == State::Static || now_ns - other.used_ns < kInUseNs) continue;
      if (entry == nullptr || other.used_ns < entry->used_ns ||
          (other.used_ns == entry->used_ns && other.confirmed_ns < entry->confirmed_ns)) {
        entry = &other;
      }
    }
    if (entry == nullptr) return nullptr;
  }
  *entry = Entry{};
  entry->address = address;
  return entry;
}

const Mac* Neighbours::find(std::uint32_t address, std::int64_t now_ns) {
  Entry* entry = lookup(address);
  if (entry == nullptr) {
    entry = make(address, now_ns);
    if (entry == nullptr) return nullptr;
  }
  if (entry->state == State::Static) return &entry->mac;
  entry->used_ns = now_ns;
  if (entry->state == State::Known) {
    const std::int64_t age = now_ns - entry->confirmed_ns;
    if (age < kRefreshNs) return &entry->mac;
    look_ns_ = std::min(look_ns_, now_ns);
    if (age < kExpiryNs) return &entry->mac;
    entry->state = State::Asked;
  }
  look_ns_ = std::min(look_ns_, std::max(now_ns, entry->asked_ns + kAskNs));
  return nullptr;
}

const Mac* Neighbours::peek(std::uint32_t address, std::int64_t now_ns) {
  const Entry* entry = lookup(address);
  if (entry == nullptr || entry->state == State::Asked) return nullptr;
  const bool good = entry->state == State::Static || now_ns - entry->confirmed_ns < kExpiryNs;
  return good ? &entry->mac : nullptr;
}

void Neighbours::learn(std::uint32_t address, const Mac& mac, std::int64_t now_ns, bool create) {
  Entry* entry = lookup(address);
  if (entry == nullptr && create) entry = make(address, now_ns);
  if (entry == nullptr || entry->state == State::Static) return;
  entry->mac = mac;
  entry->state = State::Known;
  entry->asks = 0;
  entry->confirmed_ns = now_ns;
}

bool Neighbours::next_question(std::int64_t now_ns, std::uint32_t* address) {
  if (now_ns < look_ns_) return false;
  look_ns_ = now_ns + kInUseNs;  // of what is in use somebody reminds us in find()
  bool found = false;
  for (std::size_t i = 0; i < size_; ++i) {
    Entry& entry = entries_[i];
    if (entry.state == State::Static || now_ns - entry.used_ns >= kInUseNs) continue;
    if (entry.state == State::Known && now_ns - entry.confirmed_ns < kRefreshNs) continue;
    const std::int64_t wait = entry.asks < kQuickAsks ? kAskNs : kAskSlowlyNs;
    const std::int64_t due = entry.asked_ns + wait;
    if (due > now_ns || found) {
      look_ns_ = std::min(look_ns_, std::max(due, now_ns));
      continue;
    }
    entry.asked_ns = now_ns;
    ++entry.asks;
    *address = entry.address;
    found = true;
  }
  return found;
}

}  // namespace rise::io
