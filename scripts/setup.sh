# Shared by ./sluice and `npm test`: brings a fresh clone to the point where the project's own programs can start.
# Sourced by POSIX sh with $root set to the checkout. Prints only when it has something to do.

say() { printf '%s\n' "$*" >&2; }
die() {
  say "sluice: $*"
  exit 2
}

# need_linux WHAT — the lab and the packet tests use the Linux kernel; say so instead of failing halfway.
need_linux() {
  [ "$(uname -s)" = Linux ] || die "$1 needs a Linux kernel (namespaces, nftables, VXLAN); this is $(uname -s). What works here: 'sluice --help'."
}

# need_npm_packages — npm dependencies and, among them, the pinned Node. A stamp makes the second run immediate.
need_npm_packages() {
  node_bin="$root/node_modules/.bin/node"
  stamp="$root/node_modules/.sluice-lock"
  if [ -x "$node_bin" ] && cmp -s "$root/package-lock.json" "$stamp"; then return; fi
  command -v node >/dev/null 2>&1 || die "Node 18 or later with npm is needed to install Sluice; neither 'node' nor a finished install was found. See https://nodejs.org/en/download"
  command -v npm >/dev/null 2>&1 || die "npm is needed to install Sluice's dependencies, and was not found beside $(command -v node)"
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 18 ] || die "Node 18 or later is needed for npm to install Sluice's dependencies; this is $(node -v)"
  say "Installing npm dependencies (the pinned Node among them) into node_modules …"
  (cd "$root" && npm ci --no-update-notifier --no-audit --no-fund --loglevel=error >&2) || die "'npm ci' failed in $root; the lines above say why"
  [ -x "$node_bin" ] || die "npm installed no Node for this machine ($(uname -m)); Sluice supports x86_64 and aarch64 Linux"
  cp "$root/package-lock.json" "$stamp"
}

# missing_packages COMMAND:PACKAGE… — the packages whose command is absent.
missing_packages() {
  for pair in "$@"; do
    command=${pair%%:*}
    package=${pair#*:}
    case $command in
      /*) [ -x "$command" ] || printf ' %s' "$package" ;;
      *) command -v "$command" >/dev/null 2>&1 || [ -x "/usr/sbin/$command" ] || [ -x "/sbin/$command" ] || printf ' %s' "$package" ;;
    esac
  done
}

apt_install() {
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >&2
}

# without_services COMMAND… — what is installed meanwhile starts no service: BIRD, etcd and the like are wanted as
# programs, and a router that comes up by itself would touch the machine's own network.
without_services() {
  policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then
    "$@"
    return
  fi
  trap 'rm -f "$policy"' EXIT INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  outcome=0
  "$@" || outcome=$?
  rm -f "$policy"
  trap - EXIT INT TERM
  return "$outcome"
}

# need_system_packages COMMAND:PACKAGE… — names what is missing; installs it as root with apt, else says the command.
need_system_packages() {
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  say "Missing system packages:$missing"
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    if command -v apt-get >/dev/null 2>&1; then die "install them with: sudo apt-get install -y --no-install-recommends$missing"; fi
    die "install the equivalents of these Debian packages with your package manager, then run this again:$missing"
  fi
  say "Installing them with apt-get …"
  # shellcheck disable=SC2086 # a list of package names
  without_services apt_install $missing || die "apt-get could not install:$missing"
  missing=$(missing_packages "$@")
  [ -z "$missing" ] || die "apt-get finished, yet the commands of these packages are still missing:$missing"
}

# What the lab runs: namespaces and mounts, the shell tools of its pods, the user's own kubectl.
lab_packages='unshare:util-linux mount:mount busybox:busybox-static kubectl:kubernetes-client nft:nftables'

# What the tests use besides: oracles, the upstream plugins that chain after ours,
# and programs that read what Sluice writes: browsers, shells, groff, Graphviz.
test_packages="$lab_packages chromium:chromium zsh:zsh fish:fish groff:groff-base dot:graphviz xmllint:libxml2-utils pre-commit:pre-commit ip:iproute2 ping:iputils-ping iperf3:iperf3 conntrack:conntrack /usr/lib/cni/portmap:containernetworking-plugins bird:bird2 iptables-legacy:iptables /usr/lib/frr/bgpd:frr etcd:etcd-server etcdctl:etcd-client qemu-system-x86_64:qemu-system-x86 /usr/sbin/ovs-vswitchd:openvswitch-switch /usr/sbin/haproxy:haproxy"
