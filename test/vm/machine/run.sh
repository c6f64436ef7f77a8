#!/run/busybox sh
# First process of the test machine once it has its root file system: runs /run/command, tells its exit code through the
# second serial port, and switches the machine off.
bb=/run/busybox
. /run/settings
$bb mkdir -p /dev/pts /dev/shm
$bb mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
# The checkout may be below what is hidden next.
$bb mkdir /run/checkout
$bb mount -o bind "$checkout" /run/checkout
for each in /dev/shm /tmp; do $bb mount -t tmpfs -o mode=1777 tmpfs "$each"; done
if [ ! -d "$checkout" ]; then
  $bb mkdir -p "$checkout"
  $bb mount -o bind /run/checkout "$checkout"
fi
$bb mount -t cgroup2 cgroup2 /sys/fs/cgroup
# A command that the host may lack, and that the kernel calls to load a module by itself.
printf '#!/run/busybox sh\nexec /run/busybox modprobe "$@"\n' >/run/modprobe
$bb chmod 755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
$bb ip link set lo up
$bb hostname test-machine
# Of modprobes, busybox' own: kmod's wants an index that only its depmod writes.
export PATH="$checkout/node_modules/.bin:/run:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root
cd "$checkout" || echo "test machine: there is no $checkout"
# Behind a pipe: programs draw on what they think is a terminal.
{
  /bin/sh /run/command </dev/null
  echo $? >/run/code
} 2>&1 | $bb cat
read -r code </run/code
echo "$code" >/dev/ttyS1
# Setting a port waits until it has sent everything.
$bb stty -F /dev/ttyS0 sane
# Not even "Power down".
echo 0 4 0 7 >/proc/sys/kernel/printk
$bb poweroff -f
