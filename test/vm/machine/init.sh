#!/bin/busybox sh
# First process of the test machine: makes the host's root file system, read-only and with memory over it, its own,
# runs /command there as root, tells its exit code through the second serial port, and switches the machine off.
# `release`, `checkout` and `modules` (the folder of the kernel's modules on the host) come from /settings.
bb=/bin/busybox
. /settings
$bb mkdir -p /proc /sys /dev /host /memory /root
at=

finish() {
  echo "$1" >"$at/dev/ttyS1"
  # Setting a port waits until it has sent everything.
  $bb stty -F "$at/dev/ttyS0" sane
  # Not even "Power down".
  echo 0 4 0 7 >"$at/proc/sys/kernel/printk"
  $bb poweroff -f
}
die() {
  echo "test machine: $*"
  finish 125
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
for each in proc sys dev; do $bb mount -o move "/$each" "/root/$each"; done
at=/root
$bb mkdir -p $at/dev/pts $at/dev/shm $at/run
$bb mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts $at/dev/pts
for each in dev/shm tmp run; do $bb mount -t tmpfs -o mode=1777 tmpfs "$at/$each"; done
$bb mount -t cgroup2 cgroup2 $at/sys/fs/cgroup
$bb mkdir -p "$at/lib/modules/$release"
$bb mount -o bind "$at$modules" "$at/lib/modules/$release" || die "cannot find the kernel's modules"
$bb cp /bin/busybox /command $at/run
# As a command, too, where the host has none.
$bb ln -s busybox $at/run/modprobe
# What the kernel calls to load a module by itself; it sees this file system, not the one that is mounted over it.
printf '#!/bin/busybox sh\nexec /bin/busybox chroot /root /run/busybox modprobe "$@"\n' >/modprobe
$bb chmod 755 /modprobe
echo /modprobe >$at/proc/sys/kernel/modprobe
$bb ip link set lo up
$bb hostname test-machine
export PATH="$checkout/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run" HOME=/root
# Behind a pipe: programs draw on what they think is a terminal.
{
  $bb chroot $at /bin/sh -c 'cd "$1" && exec /bin/sh /run/command </dev/null' sh "$checkout"
  echo $? >/code
} 2>&1 | $bb cat
read -r code </code
finish "$code"
