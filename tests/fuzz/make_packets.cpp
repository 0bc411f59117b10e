// Makes the seeds of fuzz_packet: right frames of every kind, plain and tagged.
//
//     make_packets FOLDER     -> FOLDER/fuzz_packet
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/unit/support/frames.hpp"

namespace {

namespace fs = std::filesystem;
using namespace rise::io;
using namespace rise::test;

constexpr std::uint32_t kGroup = 0xefff0102;

void append(Frame* input, const Frame& frame, std::uint8_t wait) {
  input->push_back(static_cast<std::uint8_t>(frame.size() >> 8));
  input->push_back(static_cast<std::uint8_t>(frame.size()));
  input->push_back(wait);
  input->insert(input->end(), frame.begin(), frame.end());
}

bool write(const fs::path& path, const Frame& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  return static_cast<bool>(file);
}

Frame echo_request() {
  Frame frame = FrameMaker().udp(std::string(24, 'e'));
  frame[23] = packet::kProtocolIcmp;
  frame[34] = 8;
  frame[35] = 0;
  return frame;
}

std::vector<Frame> frames() {
  const FrameMaker maker;
  FrameMaker group = maker;
  group.link.to = packet::multicast_mac(kGroup);
  group.header.to = kGroup;
  group.header.to_port = 7001;
  FrameMaker broadcast = maker;
  broadcast.link.to = packet::kBroadcastMac;
  broadcast.header.to = packet::kBroadcastAddress;
  Frame options = maker.udp("options");
  options.insert(options.begin() + 34, {1, 1, 1, 0});
  options[14] = 0x46;
  set16(&options, 16, static_cast<std::uint32_t>(options.size() - 14));
  Frame fragment = maker.udp("fragment");
  set16(&fragment, 20, 0x2000);
  return {maker.tcp("", 0x12),
          maker.tcp("segment"),
          maker.udp(""),
          maker.udp("hello"),
          maker.udp(std::string(300, 'x')),
          group.udp("group"),
          broadcast.udp("all"),
          options,
          fragment,
          echo_request(),
          maker.arp(true, kPeerAddress, kOurAddress),
          maker.arp(false, kPeerAddress, kOurAddress),
          maker.arp(true, 0, kOurAddress)};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_packets FOLDER\n");
    return 2;
  }
  const fs::path folder = fs::path(argv[1]) / "fuzz_packet";
  fs::create_directories(folder);
  std::size_t written = 0;
  for (const std::uint8_t options : {std::uint8_t{6}, std::uint8_t{7}}) {
    Frame all = {options};
    for (const Frame& plain : frames()) {
      const Frame frame = options == 7 ? tagged(plain, 0x8100, 5) : plain;
      Frame one = {options};
      append(&one, frame, 0);
      append(&all, frame, 40);
      written += write(folder / std::to_string(written), one) ? 1 : 0;
    }
    written += write(folder / std::to_string(written), all) ? 1 : 0;
  }
  std::printf("%zu seeds in %s\n", written, folder.c_str());
  return written != 0 ? 0 : 1;
}
