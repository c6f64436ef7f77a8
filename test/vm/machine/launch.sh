#!/bin/sh
# Runs in namespaces of its own (mount, PID, network), all of which end with it: shows the host's root file system to
# the machine, read-only, and becomes the machine. Usage: launch.sh WORK CHECKOUT VIRTIOFSD QEMU-COMMAND…
set -eu
work=$1
checkout=$2
virtiofsd=$3
shift 3

mount --make-rprivate /
mkdir "$work/host"
mount --bind / "$work/host"
mount -o remount,bind,ro "$work/host"
# A checkout on a file system of its own.
if [ "$(stat -c %d /)" != "$(stat -c %d "$checkout")" ]; then
  mount --bind "$checkout" "$work/host$checkout"
  mount -o remount,bind,ro "$work/host$checkout"
fi
"$virtiofsd" --socket-path="$work/files" -o source="$work/host" -o sandbox=chroot -o cache=always -o log_level=err >"$work/virtiofsd.log" 2>&1 &
until [ -S "$work/files" ]; do
  # At its end it complains even when all is well: only what keeps it from starting is of interest.
  kill -0 $! 2>/dev/null || { cat "$work/virtiofsd.log" >&2; exit 126; }
  sleep 0.02
done
exec "$@"
