# icount: how late a lane is beside others. cyclictest has the lane's period and priority, so that both
# see the same machine: "late CASE cyclictest_max NS" beside the lane's own "cost CASE wake_max NS".
. /guest/common.sh
throttle=/proc/sys/kernel

# watch CASE CYCLES [HOG...]: the lane and cyclictest for so long; each HOG is arguments in one word
watch() {
  case=$1 cycles=$2
  shift 2
  cyclictest -q -N -p 80 -t 1 -i 1000 -l $cycles --policy=fifo >/tmp/cyclictest.log 2>&1 &
  other=$!
  /rise/bin/rtvm_guest measure "$run" "$case" $cycles &
  measure=$!
  sleep 0.02
  hogs=
  for hog in "$@"; do
    /rise/bin/rtvm_guest hog $hog &
    hogs="$hogs $!"
  done
  wait $measure || return 1
  wait $other $hogs
  sed -n "s/^T: 0.*Max: *\([0-9]*\).*/late $case cyclictest_max \1/p" /tmp/cyclictest.log
}

echo -1 >$throttle/sched_rt_runtime_us
run=lane
begin lane || exit 1
sleep 0.3
watch alone 300 || exit 1
watch below 300 "spin 50 9000 10000 280" || exit 1
watch below_calls 300 "calls 50 9000 10000 280" || exit 1
watch above 200 "spin 90 9000 10000 180" || exit 1
watch endless 300 "spin 50 400000 400000 400" || exit 1

# 6.1 stops all real-time threads of a core for a part of each period in which they
# would not sleep. (By default 50 ms of 1 s; here 5 of 100, not to wait so long.)
echo 95000 >$throttle/sched_rt_runtime_us
echo 100000 >$throttle/sched_rt_period_us
watch throttled 300 "spin 50 400000 400000 400" || exit 1
echo 1000000 >$throttle/sched_rt_period_us
echo -1 >$throttle/sched_rt_runtime_us

# 6.12 does not; there a server gives starving ordinary threads 50 ms of each second, above all SCHED_FIFO,
# whatever the settings above. The lane goes without if the server has no time to give.
server=/sys/kernel/debug/sched/fair_server/cpu0/runtime
mount -t debugfs debug /sys/kernel/debug 2>/dev/null
if [ -e $server ]; then
  watch starving 1000 "spin 0 1100000 1100000 1100" "spin 50 1100000 1100000 1100" || exit 1
  echo 0 >$server || exit 1
  watch unserved 1000 "spin 0 1100000 1100000 1100" "spin 50 1100000 1100000 1100" || exit 1
fi
end || exit 1

# Somebody below holds what the kernel's network needs, and is himself held up by one between: the
# lane, which talks to a control, has to get past both.
run=talking
begin talking || exit 1
sleep 0.5
watch talks_alone 300 || exit 1
watch inversion 300 "calls 10 5000 7000 280" "spin 50 8000 10000 280" || exit 1
end || exit 1
