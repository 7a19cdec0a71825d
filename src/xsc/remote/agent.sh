#!/bin/sh
# SPDX-License-Identifier: MIT
# The server's half of `xsc build --remote`: link.py puts it there and calls it over ssh. It needs
# coreutils, util-linux and, if it is there, the user's systemd. Below $base:
#   trees/SUM/   checkouts, named by a digest of what is in them
#   jobs/KEY/    step, tree, expect (keys as the client has computed them): what to build;
#                log: grows only, also over attempts, so a byte keeps its place; id: new with the log
#                lock: held by the job; pid, boot_id: who runs it, in which life of the server
#                rc: the exit code, there only once the job has ended; cancelled: on purpose
#   cache/, build/   store, compiler cache and work trees of all jobs
set -eu
umask 022
base=${XSC_SERVER_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/xsc-server}
boot_id=$(cat "${XSC_BOOT_ID_FILE:-/proc/sys/kernel/random/boot_id}")
verb=${1:?}
key=${2:-none}
dir=$base/jobs/$key

read_file() { [ ! -e "$1" ] || cat "$1"; }
says() { if "$@" >/dev/null 2>&1; then echo yes; else echo no; fi; }
alive() { [ -e "$dir/lock" ] && ! flock --nonblock --shared "$dir/lock" true; }
entry() { [ -e "$base/cache/xsc/store/$key/manifest.json" ]; }
# Without lingering the user's systemd ends with the last session, and takes its jobs along.
user_systemd() {
	[ -e "/var/lib/systemd/linger/$(id -un)" ] && command -v systemd-run >/dev/null || return 1
	export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
	systemctl --user show-environment >/dev/null 2>&1
}

# In this order: a job that ends in between has left its rc by then.
state() {
	[ -e "$dir/id" ] || { echo none && return; }
	! alive || { echo running && return; }
	if [ -e "$dir/rc" ]; then echo ended; else echo lost; fi
}

facts() {
	free=$(($(stat --file-system --format '%a * %S' "$base")))
	printf 'base=%s\nfree=%s\n' "$base" "$free"
}

hello() {
	facts
	for program in rsync flock setsid sha256sum tail; do
		command -v "$program" >/dev/null || echo "missing=$program"
	done
	echo "cpus=$(nproc)"
	echo "systemd=$(says user_systemd)"
}

probe() {
	facts
	echo "state=$(state)"
	printf 'rc=%s\nid=%s\n' "$(read_file "$dir/rc")" "$(read_file "$dir/id")"
	echo "cancelled=$(says [ -e "$dir/cancelled" ])"
	echo "same_boot=$(says [ "$(read_file "$dir/boot_id")" = "$boot_id" ])"
	echo "entry=$(says entry)"
	echo "tree=$(says [ -e "$base/trees/${1:-none}" ])"
	[ ! -e "$dir/rc" ] || echo "sum=$(sha256sum <"$dir/log" | cut -d ' ' -f 1)"
}

list() {
	for dir in "$base"/jobs/*; do
		[ ! -e "$dir/id" ] || echo "${dir##*/} $(cat "$dir/step") $(state) $(read_file "$dir/rc")"
	done
}

# Reads the sums of all files. A checkout that no job names may still be about to get one: it is
# deleted after a day.
seal() {
	[ -e "$base/trees/$key" ] || {
		cd "$base/trees/$key.part" && sha256sum --check --quiet --strict >&2 &&
			mv -T "../$key.part" "../$key"
	} || return 0
	echo whole
	for tree in "$base"/trees/*; do
		grep -qsx -- "${tree##*/}" "$base"/jobs/*/tree ||
			find "$tree" -maxdepth 0 -mtime +0 -exec rm -rf -- {} +
	done
}

start() {
	mkdir -p "$dir"
	exec 8>"$base/start.lock"
	flock 8
	cat >"$dir/expect.new"
	if ! alive; then
		[ -e "$dir/id" ] || cat /proc/sys/kernel/random/uuid >"$dir/id"
		mv "$dir/expect.new" "$dir/expect"
		echo "$1" >"$dir/step"
		echo "$2" >"$dir/tree"
		echo "$boot_id" >"$dir/boot_id"
		rm -f "$dir/rc" "$dir/pid" "$dir/cancelled"
		echo "xsc-server: $1 starts on $(uname -n)" >>"$dir/log"
		launch
	fi
	for _ in $(seq 200); do
		[ ! -e "$dir/pid" ] || return 0
		sleep 0.05
	done
	echo "job $key did not start" >&2 && return 1
}

launch() {
	if user_systemd && systemd-run --user --quiet --collect --unit="xsc-$key" \
		--setenv=XSC_SERVER_DIR="$base" --setenv=PATH="$PATH" sh "$0" run "$key" 8>&-; then
		return
	fi
	XSC_SERVER_DIR=$base setsid sh "$0" run "$key" </dev/null >/dev/null 2>&1 8>&- &
}

# The job itself. TERM reaches ./xsc too, which ends in good order; this shell then notes how.
run() {
	exec 9>"$dir/lock"
	flock --timeout 10 9
	trap : TERM INT HUP
	echo $$ >"$dir/pid"
	cd "$base/trees/$(cat "$dir/tree")"
	code=0
	XDG_CACHE_HOME=$base/cache ./xsc build "$(cat "$dir/step")" --progress plain \
		--build-dir "$base/build" --expect "$dir/expect" </dev/null >>"$dir/log" 2>&1 9>&- || code=$?
	echo "$code" >"$dir/rc.new"
	mv "$dir/rc.new" "$dir/rc"
}

# Prints the log from byte $1 on. tail ends with the job, or with its reader.
follow() {
	pid=$(read_file "$dir/pid")
	set -- tail --bytes="+$(($1 + 1))" "$dir/log"
	if [ -n "$pid" ] && alive; then set -- "$@" --follow --sleep-interval=0.2 --pid="$pid"; fi
	exec "$@"
}

cancel() {
	alive || return 0
	: >"$dir/cancelled"
	kill -s TERM -- "-$(cat "$dir/pid")"
	for _ in $(seq 100); do
		alive || return 0
		sleep 0.1
	done
	kill -s KILL -- "-$(cat "$dir/pid")" && echo 137 >"$dir/rc"
}

discard() { rm -rf -- "$base/cache/xsc/store/$key" "$dir/rc"; }

case $verb in hello | probe | list | seal | start | run | follow | cancel | discard) ;; *) exit 64 ;; esac
case $key in *[!0-9a-z]*) exit 64 ;; esac
shift $(($# < 2 ? 1 : 2))
"$verb" "$@"
