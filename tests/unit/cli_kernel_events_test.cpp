// Lines of the kernel's `trace` file, read and drawn. The lines are as Linux 6.1 and 6.12 print
// them.
#include "plugins/cli/trace/kernel_events.hpp"

#include <CppUTest/TestHarness.h>

#include <cstdio>
#include <fstream>
#include <sstream>

using namespace rise::cli;

namespace {

KernelEvent parsed(const char* line) {
  KernelEvent event;
  CHECK_TRUE(parse_kernel_event(line, &event));
  return event;
}

bool is_event(const char* line) {
  KernelEvent event;
  return parse_kernel_event(line, &event);
}

// What is drawn, in short: "name@start+length" in microseconds, in order.
std::string drawn(std::initializer_list<const char*> lines) {
  std::vector<KernelEvent> events;
  for (const char* line : lines) events.push_back(parsed(line));
  TraceFile file;
  draw_kernel(events, 5, &file);
  const char* const path = "build/cli_kernel_events_test.json";
  CHECK_TRUE(file.write(path));
  std::ifstream stream(path);
  const boost::json::value tree = boost::json::parse(
      std::string(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()));
  std::remove(path);
  std::string out;
  for (const boost::json::value& event : tree.at("traceEvents").as_array()) {
    if (event.at("ph") == "M") continue;
    char text[200];
    std::snprintf(text, sizeof text, "%d:%s@%g", static_cast<int>(event.at("tid").to_number<int>()),
                  event.at("name").as_string().c_str(), event.at("ts").to_number<double>());
    out += (out.empty() ? "" : " ") + std::string(text);
    if (event.at("ph") == "X") {
      std::snprintf(text, sizeof text, "+%g", event.at("dur").to_number<double>());
      out += text;
    }
  }
  return out;
}

}  // namespace

TEST_GROUP(KernelEvents){};

TEST(KernelEvents, ASwitchOfTasks) {
  const KernelEvent event = parsed(
      "          <idle>-0       [001] d..2.  4711.000250: sched_switch: prev_comm=swapper/1 "
      "prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=lane-main next_pid=311 next_prio=19");
  CHECK_EQUAL(1, event.cpu);
  CHECK_EQUAL(4'711'000'250'000, event.at_ns);
  STRCMP_EQUAL("<idle>-0", event.task.c_str());
  STRCMP_EQUAL("sched_switch", event.name.c_str());
  STRCMP_EQUAL("R", detail_of(event, "prev_state").c_str());
  STRCMP_EQUAL("lane-main", detail_of(event, "next_comm").c_str());
  STRCMP_EQUAL("311", detail_of(event, "next_pid").c_str());
  STRCMP_EQUAL("19", detail_of(event, "next_prio").c_str());
  STRCMP_EQUAL("", detail_of(event, "comm").c_str());
}

TEST(KernelEvents, NamesOfTasksMayHoldAnything) {
  const KernelEvent event = parsed(
      " my [7] task: x-12      [000] d..2.  1.000001: sched_switch: prev_comm=my [7] task: x "
      "prev_pid=12 prev_prio=120 prev_state=S ==> next_comm=Web Content next_pid=9 next_prio=120");
  CHECK_EQUAL(0, event.cpu);
  CHECK_EQUAL(1'000'001'000, event.at_ns);
  STRCMP_EQUAL("sched_switch", event.name.c_str());
  STRCMP_EQUAL("Web Content", detail_of(event, "next_comm").c_str());
}

TEST(KernelEvents, WhatIsNoEventIsNone) {
  for (const char* line :
       {"", "# tracer: nop", "CPU:1 [LOST 17 EVENTS]", "x-1 [000]", "x-1 [000] d..2.",
        "x-1 [abc] d..2. 1.000001: a: b", "x-1 [000] d..2. 1: a: b", "x-1 [000] d..2. 1.01: a: b",
        "x-1 [000] d..2. -1.000001: a: b", "x-1 [000] ... 99999999999.000001: a: b"}) {
    CHECK_FALSE(is_event(line));
  }
}

TEST(KernelEvents, TasksAreDrawnFromSwitchToSwitchAndIdleIsEmpty) {
  STRCMP_EQUAL(
      "3:lane 7@10+20 3:cat 9@30+5",
      drawn({"i-0 [001] d..2. 0.000010: sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 "
             "prev_state=R ==> next_comm=lane next_pid=7 next_prio=19",
             "lane-7 [001] d..2. 0.000030: sched_switch: prev_comm=lane prev_pid=7 prev_prio=19 "
             "prev_state=S ==> next_comm=cat next_pid=9 next_prio=120",
             "cat-9 [001] d..2. 0.000035: sched_switch: prev_comm=cat prev_pid=9 prev_prio=120 "
             "prev_state=S ==> next_comm=swapper/1 next_pid=0 next_prio=120"})
          .c_str());
}

TEST(KernelEvents, ATaskWhoseSwitchWasNotToldRanSinceItWasWoken) {
  STRCMP_EQUAL(
      "0:sched_wakeup lane@7 0:lane 7@7+23",
      drawn({"i-0 [000] dNh4. 0.000007: sched_wakeup: comm=lane pid=7 prio=19 target_cpu=000",
             "lane-7 [000] d..2. 0.000030: sched_switch: prev_comm=lane prev_pid=7 prev_prio=19 "
             "prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120",
             "cat-9 [000] d..2. 0.000035: sched_switch: prev_comm=cat prev_pid=9 prev_prio=120 "
             "prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120",
             "lane-7 [000] d..2. 0.000040: sched_switch: prev_comm=lane prev_pid=7 prev_prio=19 "
             "prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120"})
          .c_str());
}

TEST(KernelEvents, InterruptsHaveTracksOfTheirOwn) {
  STRCMP_EQUAL("1:irq 24 eth0-rx@10+4 1:local_timer@20+2 2:NET_RX@15+8",
               drawn({"x-1 [000] d.h1. 0.000010: irq_handler_entry: irq=24 name=eth0-rx",
                      "x-1 [000] d.h1. 0.000014: irq_handler_exit: irq=24 ret=handled",
                      "x-1 [000] ..s1. 0.000015: softirq_entry: vec=3 [action=NET_RX]",
                      "x-1 [000] d.h1. 0.000020: local_timer_entry: vector=236",
                      "x-1 [000] d.h1. 0.000022: local_timer_exit: vector=236",
                      "x-1 [000] ..s1. 0.000023: softirq_exit: vec=3 [action=NET_RX]"})
                   .c_str());
}

TEST(KernelEvents, WakeupsAreMoments) {
  STRCMP_EQUAL(
      "0:sched_wakeup lane@7",
      drawn({"x-1 [000] dNh4. 0.000007: sched_wakeup: comm=lane pid=7 prio=19 target_cpu=001"})
          .c_str());
}

TEST(KernelEvents, TimerlatHasLinesOfItsOwn) {
  STRCMP_EQUAL(
      "1:timerlat #12 context    irq timer_latency       932 ns@7",
      drawn({"timerlat/0-99 [000] d.h1. 0.000007: #12 context    irq timer_latency       932 ns"})
          .c_str());
}

TEST(KernelEvents, WhatHadBegunBeforeHasNoBeginningAndWhatGoesOnEndsWithTheTrace) {
  STRCMP_EQUAL("1:irq 24 x@10+20",
               drawn({"x-1 [000] ..s1. 0.000005: softirq_exit: vec=3 [action=NET_RX]",
                      "x-1 [000] d.h1. 0.000010: irq_handler_entry: irq=24 name=x",
                      "x-1 [001] d.h1. 0.000030: irq_handler_exit: irq=9 ret=handled"})
                   .c_str());
}
