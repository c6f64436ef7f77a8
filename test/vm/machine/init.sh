#!/bin/busybox sh
# First process of the test machine: makes the host's root file system, read-only and with memory over it, its own, and
# goes on there as `run.sh`. `release`, `checkout` and `modules` (the folder of the kernel's modules on the host) come
# from /settings.
bb=/bin/busybox
. /settings
$bb mkdir -p /proc /sys /dev /host /memory /root

die() {
  echo "test machine: $*"
  echo 125 >/dev/ttyS1
  $bb poweroff -f
}

$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
$bb mount -t devtmpfs dev /dev
$bb stty -F /dev/ttyS0 raw
$bb stty -F /dev/ttyS1 raw
for module in $boot_modules; do $bb insmod "/modules/$module" || die "cannot load $module"; done
$bb mount -t virtiofs -o ro host /host || die "cannot mount the host's root file system"
$bb mount -t tmpfs -o size=75% memory /memory
$bb mkdir /memory/upper /memory/work
$bb mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root || die "cannot mount the overlay"
$bb mkdir -p /root/run "/root/lib/modules/$release"
$bb mount -o bind "/root$modules" "/root/lib/modules/$release" || die "cannot find the kernel's modules"
$bb mount -t tmpfs -o mode=755 run /root/run
$bb cp /bin/busybox /command /settings /run.sh /root/run
for each in proc sys dev; do $bb mount -o move "/$each" "/root/$each"; done
# The root of the mount namespace itself, not only of its processes: joining the namespace leads there.
exec $bb switch_root /root /run/run.sh
