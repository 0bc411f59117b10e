// Network cards, and whether one could be given to DPDK.
#include <cstdlib>

#include "plugins/cli/doctor/checks.hpp"
#include "plugins/cli/doctor/look.hpp"

namespace rise::cli {

namespace {

const char* const kNoCard = "no network card is up";
const char* const kBringUp = "ip link set dev CARD up for the card of the controls, then again";

// Those of hardware that are up; bridges, tunnels and loopback are none.
std::vector<std::string> cards_up(const Patient& p) {
  std::vector<std::string> cards;
  for (const std::string& name :
       names_in(p, "/sys/class/net").value_or(std::vector<std::string>{})) {
    const std::string folder = "/sys/class/net/" + name;
    if (exists(p, folder + "/device") && line_of(p, folder + "/operstate") == "up")
      cards.push_back(name);
  }
  return cards;
}

const NetworkCard* settings_of(const Patient& p, const std::string& name) {
  if (!p.cards) return nullptr;
  for (const NetworkCard& card : *p.cards) {
    if (card.name == name) return &card;
  }
  return nullptr;
}

void add(std::string* list, const std::string& text) {
  *list += (list->empty() ? "" : "; ") + text;
}

enum class Tells { Nothing, Good, Bad };

struct Said {
  Tells tells = Tells::Nothing;
  std::string text;
  std::string remedy;
};

// Asks each card that is up; the worst answer counts.
template <class Ask>
Finding each_card(const Patient& p, const Subject& s, const char* by_hand, Ask ask) {
  const std::vector<std::string> names = cards_up(p);
  if (names.empty()) return unknown(s, kNoCard, kBringUp);
  std::string good;
  std::string bad;
  std::string remedy;
  std::string silent;
  for (const std::string& name : names) {
    const NetworkCard* card = settings_of(p, name);
    const Said said = card != nullptr ? ask(*card) : Said{};
    if (said.tells == Tells::Nothing) {
      add(&silent, name + " does not tell");
    } else if (said.tells == Tells::Good) {
      add(&good, name + said.text);
    } else {
      add(&bad, name + said.text);
      add(&remedy, said.remedy);
    }
  }
  if (!bad.empty()) return warn(s, bad, remedy);
  if (!silent.empty()) return unknown(s, silent, by_hand);
  return pass(s, good);
}

Finding coalescing(const Patient& p) {
  const Subject s{"nic_coalescing", "interrupt coalescing", 1,
                  "the card holds a control's answer back, hoping for more frames"};
  return each_card(p, s, "ethtool -c CARD on the machine itself", [](const NetworkCard& card) {
    if (!card.wait_us && !card.adaptive) return Said{};
    const bool adaptive = card.adaptive.value_or(false);
    if (!adaptive && card.wait_us.value_or(0) == 0) return Said{Tells::Good, " does not wait", ""};
    return Said{
        Tells::Bad,
        adaptive ? " waits adaptively" : " waits up to " + std::to_string(*card.wait_us) + " us",
        "ethtool -C " + card.name + " adaptive-rx off rx-usecs 0"};
  });
}

Finding offloads(const Patient& p) {
  const Subject s{"nic_offloads", "receive offloads", 1,
                  "GRO and LRO gather small frames into large ones before anybody sees the first"};
  return each_card(p, s, "ethtool -k CARD on the machine itself", [](const NetworkCard& card) {
    if (!card.gro && !card.lro) return Said{};
    const bool lro = card.lro.value_or(false);
    if (!lro && !card.gro.value_or(false)) return Said{Tells::Good, " gathers nothing", ""};
    return Said{Tells::Bad, lro ? " has LRO on" : " has GRO on",
                "ethtool -K " + card.name + " gro off" + (lro ? " lro off" : "")};
  });
}

Finding busy_poll(const Patient& p) {
  const Subject s{
      "busy_poll", "busy polling", 1,
      "set for the whole machine, every socket's read or poll first serves the card, for "
      "others, too: time that no lane has planned; a lane that is to poll uses DPDK"};
  const auto poll = line_of(p, "/proc/sys/net/core/busy_poll");
  const auto read = line_of(p, "/proc/sys/net/core/busy_read");
  if (!poll && !read) {
    if (exists(p, "/proc/sys/net/core")) return pass(s, "not in this kernel");
    return unknown(s, "/proc/sys/net/core cannot be read", "mount -t proc proc /proc");
  }
  const std::string found = "busy_poll " + poll.value_or("?") + ", busy_read " + read.value_or("?");
  if (poll.value_or("0") == "0" && read.value_or("0") == "0") return pass(s, found);
  return warn(s, found, "sysctl net.core.busy_poll=0 net.core.busy_read=0");
}

Finding dpdk(const Patient& p) {
  const Subject s{"dpdk", "DPDK readiness", 1,
                  "only for lanes with streams or datagrams = \"dpdk\": it needs huge pages, and "
                  "VFIO to own a card"};
  if (!exists(p, "/sys/kernel") || !exists(p, "/dev")) {
    return unknown(s, "/sys and /dev cannot be read", "mount -t sysfs sysfs /sys");
  }
  bool pages = false;
  for (const std::string& size :
       names_in(p, "/sys/kernel/mm/hugepages").value_or(std::vector<std::string>{})) {
    const std::string path = "/sys/kernel/mm/hugepages/" + size + "/free_hugepages";
    pages = pages || std::atoll(line_of(p, path).value_or("0").c_str()) > 0;
  }
  const bool vfio = exists(p, "/dev/vfio/vfio");
  const bool iommu =
      !names_in(p, "/sys/kernel/iommu_groups").value_or(std::vector<std::string>{}).empty() ||
      line_of(p, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y";
  if (pages && vfio && iommu) return pass(s, "free huge pages, VFIO and an IOMMU");
  std::string missing;
  std::string remedy;
  if (!pages) add(&missing, "no free huge page");
  if (!pages) add(&remedy, "sysctl vm.nr_hugepages=64");
  if (!vfio) add(&missing, "no VFIO");
  if (!vfio) add(&remedy, "modprobe vfio-pci");
  if (!iommu) add(&missing, "no IOMMU");
  if (!iommu) add(&remedy, "boot with intel_iommu=on iommu=pt (AMD: iommu=pt)");
  return warn(s, missing, remedy);
}

}  // namespace

Findings check_network(const Patient& p) {
  return {coalescing(p), offloads(p), busy_poll(p), dpdk(p)};
}

}  // namespace rise::cli
