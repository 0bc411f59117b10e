// What only the io_uring port promises: its restrictions, no worker threads, no call without need.
#include "rt_core/io/uring_port.hpp"

#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#include "tests/unit/support/child.hpp"
#include "tests/unit/support/echo_server.hpp"
#include "tests/unit/support/port_rig.hpp"
#include "tests/unit/support/skip.hpp"

using namespace rise::test;

namespace {

// Submits one entry and waits for its completion. -> its result; INT32_MIN: none came.
template <class Prepare>
std::int32_t submit(io_uring* ring, Prepare&& prepare) {
  io_uring_sqe* entry = ::io_uring_get_sqe(ring);
  if (entry == nullptr) return INT32_MIN;
  prepare(entry);
  entry->user_data = 0xabcdef;
  for (int i = 0; i < 10'000; ++i) {
    ::io_uring_submit_and_get_events(ring);
    io_uring_cqe* cqe = nullptr;
    if (::io_uring_peek_cqe(ring, &cqe) == 0 && cqe != nullptr) {
      const std::int32_t result = cqe->res;
      const bool ours = cqe->user_data == 0xabcdef;
      ::io_uring_cqe_seen(ring, cqe);
      if (ours) return result;
    }
    ::usleep(100);
  }
  return INT32_MIN;
}

void open_file(io_uring_sqe* entry) {
  ::io_uring_prep_openat(entry, AT_FDCWD, "/dev/null", O_RDONLY, 0);
}

// A ring of one's own without restrictions. False: could not be made.
bool plain_ring(io_uring* ring) { return ::io_uring_queue_init(8, ring, 0) == 0; }

}  // namespace

TEST_GROUP(IoUringPort){};

TEST_WHEN(uring_missing(), IoUringPort, ForbiddenOperationsAreRefusedByTheKernel) {
  PortRig rig(PortRig::Kind::Uring);
  io_uring* ring = &rig.uring().ring_for_tests();
  int ends[2];
  LONGS_EQUAL(0, ::pipe(ends));
  char byte = 0;
  LONGS_EQUAL(-EACCES, submit(ring, open_file));
  LONGS_EQUAL(-EACCES, submit(ring, [&](io_uring_sqe* e) {
    ::io_uring_prep_read(e, ends[0], &byte, 1, 0);
  }));
  LONGS_EQUAL(-EACCES, submit(ring, [&](io_uring_sqe* e) {
    ::io_uring_prep_write(e, ends[1], &byte, 1, 0);
  }));
  LONGS_EQUAL(-EACCES, submit(ring, [&](io_uring_sqe* e) { ::io_uring_prep_close(e, ends[0]); }));
  LONGS_EQUAL(-EACCES,
              submit(ring, [](io_uring_sqe* e) { ::io_uring_prep_socket(e, AF_INET, 1, 0, 0); }));
  LONGS_EQUAL(-EACCES, submit(ring, [](io_uring_sqe* e) { ::io_uring_prep_nop(e); }));
  LONGS_EQUAL(-EACCES, submit(ring, [](io_uring_sqe* e) {  // would make a worker thread
    ::io_uring_prep_send(e, 0, "x", 1, 0);
    e->flags |= IOSQE_FIXED_FILE | IOSQE_ASYNC;
  }));
  // The port itself goes on.
  EchoServer server;
  const std::size_t stream = rig.connect(server.port());
  rig.send(stream, "still here");
  CHECK(rig.until([&] { return rig.streams[stream].received == "still here"; }));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_WHEN(uring_missing(), IoUringPort, TheSameOperationsWorkOnAnOrdinaryRing) {
  Child child([] {  // its ring may make a worker thread, which is to be gone with it
    io_uring ring;
    if (!plain_ring(&ring)) return 1;
    const std::int32_t fd = submit(&ring, open_file);
    if (fd < 0) return 2;
    if (submit(&ring, [](io_uring_sqe* e) { ::io_uring_prep_nop(e); }) != 0) return 3;
    return submit(&ring, [fd](io_uring_sqe* e) { ::io_uring_prep_close(e, fd); }) == 0 ? 0 : 4;
  });
  LONGS_EQUAL(0, child.status());
}

TEST_WHEN(uring_missing(), IoUringPort, NothingCanBeRegisteredOnceItRuns) {
  PortRig rig(PortRig::Kind::Uring);
  io_uring* ring = &rig.uring().ring_for_tests();
  const iovec buffer{&rig, 8};
  CHECK(::io_uring_register_buffers(ring, &buffer, 1) < 0);
  int fd = 0;
  CHECK(::io_uring_register_files_update(ring, 0, &fd, 1) < 0);
  io_uring_restriction none{};
  CHECK(::io_uring_register_restrictions(ring, &none, 1) < 0);
}

TEST_WHEN(uring_missing(), IoUringPort, HeavyTrafficMakesNoWorkerThreads) {
  EchoServer server;
  EchoServer deaf(EchoServer::Mode::Deaf);
  PortRig rig(PortRig::Kind::Uring, 64);
  for (int i = 0; i < 40; ++i) rig.connect(i % 8 == 0 ? deaf.port() : server.port());
  int seen = 0;
  std::size_t sent = 0;
  for (int round = 0; round < 400; ++round) {
    for (std::size_t i = 0; i < 40; ++i) {
      if (rig.send(i, std::string(4000, 'x')) == RISE_OK && i % 8 != 0) sent += 4000;
    }
    if (round == 200) {
      for (std::size_t i = 1; i < 40; i += 8) rig.close(i);
    }
    rig.exchange();
    if (round % 20 == 0) seen += threads_named("iou-");
  }
  CHECK(rig.until([&] { return rig.counters().bytes_received > sent / 4; }));
  seen += threads_named("iou-");
  LONGS_EQUAL(0, seen);
}

TEST_WHEN(uring_missing(), IoUringPort, WorkerThreadsWouldBeSeen) {
  Child child([] {
    io_uring ring;
    if (!plain_ring(&ring)) return 1;
    int ends[2];
    if (::pipe(ends) != 0) return 2;
    char byte = 0;
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring);
    ::io_uring_prep_read(entry, ends[0], &byte, 1, 0);
    entry->flags |= IOSQE_ASYNC;
    ::io_uring_submit(&ring);
    for (int i = 0; i < 1000; ++i) {
      if (threads_named("iou-") > 0) return 0;
      ::usleep(1000);
    }
    return 3;
  });
  LONGS_EQUAL(0, child.status());
}

TEST_WHEN(uring_missing(), IoUringPort, WithNothingToDoTheKernelIsNotCalled) {
  EchoServer server;
  PortRig rig(PortRig::Kind::Uring);
  const std::size_t stream = rig.connect(server.port());
  rig.send(stream, "x");
  CHECK(rig.until([&] { return rig.streams[stream].received == "x"; }));
  rig.cycles(10);
  const std::uint64_t before = rig.counters().enters;
  rig.cycles(1000);
  LONGS_EQUAL(before, rig.counters().enters);
  rig.send(stream, "y");
  rig.exchange();
  LONGS_EQUAL(before + 1, rig.counters().enters);
}

TEST_WHEN(uring_missing(), IoUringPort, OneCallServesAllStreams) {
  EchoServer server(EchoServer::Mode::Sink);
  PortRig rig(PortRig::Kind::Uring, 64);
  for (int i = 0; i < 64; ++i) rig.connect(server.port());
  rig.cycles(10);
  const std::uint64_t before = rig.counters().enters;
  for (std::size_t i = 0; i < 64; ++i) rig.send(i, "all at once");
  rig.exchange();
  LONGS_EQUAL(before + 1, rig.counters().enters);
  CHECK(rig.until([&] { return server.bytes == 64 * 11; }));
}

TEST_WHEN(uring_missing(), IoUringPort, OnlyTheThreadThatStartedItMayUseIt) {
  PortRig rig(PortRig::Kind::Uring);
  std::int32_t result = 0;
  std::thread other([&] {
    io_uring* ring = &rig.uring().ring_for_tests();
    result = ::io_uring_submit_and_get_events(ring);
  });
  other.join();
  CHECK(result < 0);
}

TEST_WHEN(uring_missing(), IoUringPort, ItSaysWhatItIs) {
  PortRig rig(PortRig::Kind::Uring);
  CHECK(rig.uring().usable());
  STRCMP_CONTAINS("io_uring: one enter per cycle", rig.uring().description().c_str());
  STRCMP_CONTAINS("restricted", rig.uring().description().c_str());
}

TEST_WHEN(uring_missing(), IoUringPort, WithoutDescriptorsItSaysSoAndIsNotUsable) {
  Child child([] {
    const rlimit none{static_cast<rlim_t>(open_descriptors()), 20'000};
    ::setrlimit(RLIMIT_NOFILE, &none);
    int last = 0;
    while (last >= 0) last = ::open("/dev/null", O_RDONLY);  // ended by the limit
    const rise::io::UringPort port(2, {});
    if (port.usable()) return 1;
    return port.description().find("io_uring not usable") == 0 ? 0 : 2;
  });
  LONGS_EQUAL(0, child.status());
}
