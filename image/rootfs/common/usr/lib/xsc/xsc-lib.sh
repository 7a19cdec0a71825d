# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Read by xsc-banner and xsc-demo: what the running kernel says about the gate.

XSC_SYS=/sys/kernel/xsc

# Print one counter or setting of the kernel, or nothing where it does not exist.
xsc_get() {
	[ -r "$XSC_SYS/$1" ] || return 0
	read -r xsc_value <"$XSC_SYS/$1" || :
	printf '%s' "${xsc_value-}"
}

# Print off, permissive or enforcing; "none" on a kernel without XSC.
xsc_mode() {
	if [ ! -d "$XSC_SYS" ]; then
		case " $(cat /proc/cmdline) " in
		*" xsc=off "*) echo off ;;
		*) echo none ;;
		esac
		return
	fi
	case $(xsc_get mode) in
	0 | off*) echo off ;;
	1 | permissive*) echo permissive ;;
	2 | enforcing*) echo enforcing ;;
	*) echo unknown ;;
	esac
}

# Print the value of one `key: value` line of /proc/<pid>/xsc.
xsc_task() {
	while IFS=': ' read -r xsc_key xsc_value; do
		[ "$xsc_key" != "$2" ] || printf '%s' "$xsc_value"
	done <"/proc/$1/xsc"
}
