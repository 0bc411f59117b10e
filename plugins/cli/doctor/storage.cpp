// The disk that recordings and logs go to.
#include <cstdio>

#include "plugins/cli/doctor/checks.hpp"
#include "plugins/cli/doctor/look.hpp"

namespace rise::cli {

namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

struct Mount {
  std::string device;
  std::string type;
};

// What holds /var/log: of all mounts above it the longest path, and of those the last.
Mount mount_of_logs(const Patient& p) {
  const std::string path = "/var/log/";
  Mount best;
  std::size_t longest = 0;
  for (const std::string& line : lines_of(p, "/proc/mounts")) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() < 3) continue;
    const std::string at = words[1] == "/" ? "/" : words[1] + "/";
    if (!path.starts_with(at) || at.size() < longest) continue;
    longest = at.size();
    best = {words[0], words[2]};
  }
  return best;
}

// "1" for a disk that turns. A partition has no queue of its own: it is in the folder of its disk.
std::string turns(const Patient& p, const std::string& device) {
  const std::string folder = "/sys/class/block/" + device.substr(device.rfind('/') + 1);
  const auto own = line_of(p, folder + "/queue/rotational");
  return own ? *own : line_of(p, folder + "/../queue/rotational").value_or("");
}

Finding logs(const Patient& p) {
  const Subject s{"log_disk", "disk for logs", 1,
                  "a recording that has no room, or vanishes with the power, is missing when it is "
                  "needed; a slow disk makes the sidecar drop samples"};
  const Mount mount = mount_of_logs(p);
  if (mount.type.empty()) return unknown(s, "/proc/mounts cannot be read", "findmnt -T /var/log");
  const std::string found = "/var/log is on " + mount.device + " (" + mount.type + ")";
  const char* const other = "put /var/log on a local solid-state disk";
  if (mount.type == "tmpfs" || mount.type == "ramfs" || mount.type == "overlay") {
    return warn(s, found + ": it does not outlive this system", other);
  }
  if (mount.type.starts_with("nfs") || mount.type == "cifs") {
    return warn(s, found + ": it stops with the network", other);
  }
  if (p.log_free_bytes && *p.log_free_bytes < kGiB) {
    return warn(s, found + ": less than 1 GiB is free",
                "make room there: journalctl "
                "--vacuum-size=200M; apt clean");
  }
  const std::string rotational = turns(p, mount.device);
  if (rotational == "1") return warn(s, found + ": the disk says that it turns", other);
  if (rotational.empty())
    return unknown(s, found + ": its kind cannot be read", "lsblk -o NAME,ROTA");
  char room[48] = "";
  if (p.log_free_bytes) {
    std::snprintf(room, sizeof room, ", %.1f GiB free",
                  static_cast<double>(*p.log_free_bytes) / static_cast<double>(kGiB));
  }
  return pass(s, found + room);
}

}  // namespace

Findings check_storage(const Patient& p) { return {logs(p)}; }

}  // namespace rise::cli
