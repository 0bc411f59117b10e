# icount: a late cycle with the kernel's view of it, and with timerlat. One core: with several, emulated at once, a
# kernel that patches itself to enable an event may meet its own half-written instruction.
. /guest/common.sh
begin late || exit 1
echo "@@ said"
$BIN/rise trace --region late --kernel --timerlat --wait 20 /tmp/late.json || exit 1
echo "@@ trace"
# Packed: a long text over the emulated serial line may meet an interrupt that nobody takes, and the kernel then
# gives the line up.
gzip -c /tmp/late.json | base64
echo "@@ left"
mkdir -p /tmp/tracefs
mount -t tracefs tracefs /tmp/tracefs
ls /tmp/tracefs/instances
cat /tmp/tracefs/osnoise/cpus
echo "@@ ended"
end && echo well
