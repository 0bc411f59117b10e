// The device as a check plays it: sensible as far as the dialog goes, silent, or hostile. All of it
// from a seed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rt_core/io/sim_network.hpp"
#include "rt_core/kit/dialog.hpp"

namespace rise::kit {

enum class Manner {
  Absent,  // nobody listens: refused
  Lost,    // connects time out
  Silent,  // takes connections and bytes, says nothing
  Device,  // by the dialog; without one, lines of the driver's own words
  Words,   // lines and half lines of the driver's own words, numbers, and the request itself
  Noise,   // random bytes of random length, from none to some thousand
  Flood    // as much as goes in, without any line end or with nothing but zeros
};
const char* name_of(Manner manner);

struct PeerSpec {
  Manner manner = Manner::Device;
  std::uint64_t seed = 1;
  int close_after = -1;     // exchanges per connection until it hangs up; -1: never
  bool half_reply = false;  // it hangs up in the middle of the reply
};

class Peer {
 public:
  Peer(const PeerSpec& as, const Dialog& dialog, const std::vector<std::string>& words)
      : spec(as), dialog_(dialog), words_(words), random_(as.seed) {}
  PeerSpec spec;
  [[nodiscard]] io::SimulatedPeer table();
  // What it says without being asked, in its manner.
  std::string speak();
  // The same as a datagram: of any length, half of them mostly zeros. A silent one sends none.
  [[nodiscard]] std::vector<std::uint8_t> datagram();
  std::uint64_t connects = 0;
  std::uint64_t exchanges = 0;
  std::uint64_t received = 0;  // bytes
  std::string unanswered;      // the first request that the dialog has no answer to

 private:
  struct Connection {
    std::string pending;
    int exchanges = 0;
  };
  bool take(std::uint32_t connection, const std::string& bytes, std::vector<std::uint8_t>* reply);
  std::string line_of_words(const std::string& request);
  std::uint64_t below(std::uint64_t n);

  const Dialog& dialog_;
  const std::vector<std::string>& words_;
  std::uint64_t random_;
  std::map<std::uint32_t, Connection> connections_;
};

}  // namespace rise::kit
