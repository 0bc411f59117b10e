// Between these marks RealtimeSanitizer's runtime (LLVM 19) ends the program with a stack trace at
// the first call that may allocate, lock, wait or do I/O. It knows more calls than the guard
// library (guard/preload.cpp): files, sockets, sleeps, threads. The compiler need not be clang; the
// runtime is linked in.
extern "C" {
// From compiler-rt/lib/rtsan/rtsan.h
// NOLINTBEGIN(bugprone-reserved-identifier)
void __rtsan_realtime_enter();
void __rtsan_realtime_exit();
// NOLINTEND(bugprone-reserved-identifier)

void rise_guard_enter();
void rise_guard_leave();
void rise_guard_enter() { __rtsan_realtime_enter(); }
void rise_guard_leave() { __rtsan_realtime_exit(); }
}
