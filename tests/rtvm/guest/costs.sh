# icount: what a cycle costs. Each run of /runs/order for its number of cycles.
. /guest/common.sh
while read -r run cycles; do
  begin "$run" || exit 1
  sleep 1
  /rise/bin/rtvm_guest measure "$run" "$run" "$cycles" || exit 1
  end || exit 1
done </runs/order
