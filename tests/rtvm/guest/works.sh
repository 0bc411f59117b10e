# smp: does it work on this kernel? Prints parts that begin with "@@ NAME"; test_rtvm.py judges them.
. /guest/common.sh
echo "@@ kernel"
cat /proc/version
echo "@@ doctor"
$BIN/rise doctor --json

echo "@@ begin"
begin plant || exit 1
$BIN/rise-sidecar --region plant >/tmp/sidecar.log 2>&1 &
sidecar=$!
swept() { $BIN/rise top --region plant --once --json | grep -q '"samples":[1-9][0-9][0-9]'; }
until_true 20 swept
echo "@@ first"
$BIN/rise top --region plant --once --json
sleep 2
echo "@@ second"
$BIN/rise top --region plant --once --json
echo "@@ memory"
grep -E 'VmLck|VmRSS|RssShmem' /proc/$core/status
echo "@@ threads"
status() { awk -v key="$1:" '$1 == key {print $2}' "$task/status"; }
for task in /proc/$core/task/*; do
  # name, policy and priority (proc(5): fields 41 and 40; the first two are cut off), cores, seal
  echo "$(cat $task/comm) $(sed 's/.*) //' $task/stat | awk '{print $39, $38}')" \
    "$(status Cpus_allowed_list) $(status Seccomp)"
done
echo "@@ ended"
kill -TERM $sidecar
wait $sidecar
end && echo well
echo "@@ core"
cat /tmp/core.log

# Both cores may be used: some of these tests need two. A sleep of 200 us may be over before the switch
# to another thread where every instruction is emulated: so not the test that counts these switches.
for group in GuardSeal GuardRealtime GuardDriverCall GuardWatchdog IoUringPort; do
  echo "@@ unit $group"
  timeout 60 taskset 3 /rise/tests/unit -sg "$group" -xn SleepsAreVoluntarySwitches 2>&1 | tail -30
done
