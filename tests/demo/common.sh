# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
# shellcheck shell=bash
# Common parts of the demos, for `.`: private namespaces, appearance, two hypervisors with two
# cables, uplinkd in each. Before: BUILD. The caller sources it with its own arguments.

declare -A daemon wire

# ---- outer half: starts the inner one and ends it in any case ----
if [ -z "${DEMO_INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "the demo makes network namespaces and loads BPF programs: sudo make demo" >&2; exit 2; }
	ended=
	trap 'ended=130' INT
	trap 'ended=143' TERM HUP
	DEMO_INSIDE=1 setpriv --pdeathsig KILL unshare --mount --pid --net --fork --kill-child --mount-proc "$0" "$@" &
	inside=$!
	while :; do
		wait "$inside"
		status=$?
		if [ -n "$ended" ]; then
			kill -KILL "$inside" 2>/dev/null
			wait "$inside" 2>/dev/null
			printf '\ninterrupted; nothing is left behind\n'
			exit "$ended"
		fi
		kill -0 "$inside" 2>/dev/null || exit "$status"
	done
fi

# ---- appearance ----
bold='' dim='' good='' bad='' off=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$'\e[1m' dim=$'\e[2m' good=$'\e[32m' bad=$'\e[1;31m' off=$'\e[0m'
fi
case "${LC_ALL:-${LC_CTYPE:-${LANG:-}}}" in
*[Uu][Tt][Ff]*) yes_mark='✓' no_mark='✗' ;;
*) yes_mark='ok' no_mark='WRONG' ;;
esac

section_number=0
section() {
	section_number=$((section_number + 1))
	printf '\n%s%d  %s%s\n' "$bold" "$section_number" "$1" "$off"
}

say() { printf '   %s%s%s\n' "$dim" "$1" "$off"; }

# check TEXT COMMAND...: shows TEXT with a tick when COMMAND succeeds
broken=0
check() {
	local text=$1
	shift
	if "$@" >/dev/null; then
		printf '   %s%s%s %s\n' "$good" "$yes_mark" "$off" "$text"
	else
		printf '   %s%s%s %s\n' "$bad" "$no_mark" "$off" "$text"
		broken=$((broken + 1))
	fi
}

give_up() {
	printf '\n%sthe demo stops: %s%s\n' "$bad" "$1" "$off" >&2
	tail -n 20 /run/*/log >&2
	exit 2
}

# within SECONDS COMMAND...: repeats COMMAND until it succeeds
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# ---- hypervisors ----
in_ns() { local ns=$1; shift; nsenter --net="/run/netns/$ns" "$@"; }

# Namespaces alpha and beta, and the cables eth0 and eth1 between them.
make_hypervisors() {
	local name cable
	mount -t tmpfs none /run && mkdir /run/netns || exit 2
	ip netns add alpha && ip netns add beta || exit 2
	for name in alpha beta; do ip -n "$name" link set lo up; done
	for cable in eth0 eth1; do
		ip -n alpha link add "$cable" type veth peer name "$cable" netns beta || exit 2
		for name in alpha beta; do in_ns "$name" "$BUILD/demo/offload" "$cable" tx-checksum=off || exit 2; done
	done
}

start_daemon() {
	nsenter --net="/run/netns/$1" "$BUILD/uplinkd" -c "/run/$1/uplinkd.yaml" --bpffs "/run/$1/bpf" --run-dir "/run/$1/uplinkd" 2> "/run/$1/log" &
	# shellcheck disable=SC2034  # for the caller
	daemon[$1]=$!
}

ctl() { local name=$1; shift; in_ns "$name" "$BUILD/uplinkctl" --bpffs "/run/$name/bpf" --run-dir "/run/$name/uplinkd" "$@"; }

both_ready() { ctl alpha status && ctl beta status && all_usable; }

all_usable() {
	local name
	for name in alpha beta; do
		[ "$(ctl "$name" --json show uplinks | grep -c '"usable": true')" = 2 ] || return 1
	done
}

# ---- cables ----
which_uplink() { ctl "$1" --json which vswitch0 "$2" "$3" "$4" | sed -n 's/.*"uplink": "\(.*\)",/\1/p'; }

# watch_wires HYPERVISOR, end_watch HYPERVISOR: frames on the cables, in /run/HYPERVISOR/wires
watch_wires() {
	nsenter --net="/run/netns/$1" "$BUILD/demo/wire" eth0 eth1 > "/run/$1/wires" &
	wire[$1]=$!
	within 30 grep -q ready "/run/$1/wires" || give_up "the capture did not start"
}

end_watch() {
	kill -TERM "${wire[$1]}"
	wait "${wire[$1]}"
}

# seen HYPERVISOR VLAN SOURCE DESTINATION: the cables that carried it, "eth1" or "eth0 eth1"
seen() { awk -v key="$2 $3 $4" '$2 " " $3 " " $4 == key { printf "%s%s", sep, $1; sep = " " }' "/run/$1/wires"; }
frames_on() { awk -v key="$2 $3 $4 $5" '$1 " " $2 " " $3 " " $4 == key { n += $5 } END { print n + 0 }' "/run/$1/wires"; }

heal() {
	ip -n beta link set eth0 up
	ip -n beta link set eth1 up
	within 60 all_usable
}

# ---- end ----
thousands() { echo "$1" | sed -e ':a' -e 's/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/;ta'; }

finish() {
	if [ "$broken" != 0 ]; then
		printf '\n%s%d of the checks above failed%s\n' "$bad" "$broken" "$off"
		exit 1
	fi
	printf '\n%sAll checks passed.%s Everything ran in private namespaces; nothing is left behind.\n' "$good" "$off"
}
