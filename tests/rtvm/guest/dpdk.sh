# smp: FOCAS over DPDK on a network card, against controls behind the kernel's own card. Both cards hang
# on one hub: 00:03.0 is ours, eth0 the kernel's.
. /guest/common.sh
card=0000:00:03.0
echo uio_pci_generic >/sys/bus/pci/devices/$card/driver_override
echo $card >/sys/bus/pci/drivers_probe
ip link set eth0 up
ip addr add 10.9.0.2/24 dev eth0
echo "@@ begin"
begin card || exit 1
up() { $BIN/rise top --region card --once --json | grep -q '"samples":[1-9][0-9]'; }
until_true 30 up
echo "@@ top"
$BIN/rise top --region card --once --json
echo "@@ ended"
end && echo well
echo "@@ core"
cat /tmp/core.log
