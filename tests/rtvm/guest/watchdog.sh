# smp: the machine's watchdog, on a device that QEMU has. The machine is reset at the end, which ends it:
# "no verdict" is what is wanted then. Reaching the end of this script is the failure.
. /guest/common.sh
echo "@@ orderly"
begin well || exit 1
sleep 3
end || exit 1
cat /tmp/core.log
sleep 5
echo "@@ fed"
begin late || exit 1
sleep 5
echo "@@ late"
until_true 15 grep -q "are not fed" /tmp/core.log
grep watchdog /tmp/core.log
sync
sleep 15
echo "@@ not reset"
cat /tmp/core.log
