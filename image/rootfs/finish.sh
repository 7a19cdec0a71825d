#!/bin/sh
# SPDX-License-Identifier: MIT
# mmdebstrap customize hook: $1 is the new root. Switches units and removes every file that would
# differ from build to build or be wrong on more than one machine.
# Environment: XSC_INIT, XSC_ENABLE, XSC_DISABLE, XSC_MASK (unit names, space-separated).
set -eu
root=$1

# shellcheck disable=SC2086 # the variables are lists
case $XSC_INIT in
systemd)
	chroot "$root" systemctl --quiet disable $XSC_DISABLE
	chroot "$root" systemctl --quiet enable $XSC_ENABLE
	chroot "$root" systemctl --quiet mask $XSC_MASK
	chroot "$root" systemctl --quiet set-default multi-user.target
	ln -sf ../run/xsc/resolv.conf "$root/etc/resolv.conf"
	;;
busybox)
	for name in init poweroff reboot halt; do
		ln -sf ../bin/busybox "$root/sbin/$name"
	done
	: >"$root/etc/resolv.conf"
	;;
esac

chroot "$root" passwd --quiet --delete root
# The login message replaces Debian's, which costs a fork of uname and says nothing of XSC.
: >"$root/etc/motd"
rm -f "$root/etc/update-motd.d/10-uname"
printf 'XSC v7 \\n \\l\n\n' >"$root/etc/issue"

# Not $root/tmp: mmdebstrap keeps its APT_CONFIG there, and without it the apt-get calls of its
# cleanup would work on the host and delete the host's package lists. It empties /tmp itself.
rm -rf "$root"/etc/ssh/ssh_host_* "$root"/var/lib/systemd/random-seed \
	"$root"/var/lib/dbus/machine-id "$root"/var/cache/ldconfig/* \
	"$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
	"$root"/var/lib/apt/lists/* "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old \
	"$root"/etc/passwd- "$root"/etc/shadow- "$root"/etc/group- "$root"/etc/gshadow- \
	"$root"/etc/subuid- "$root"/etc/subgid- "$root"/etc/.pwd.lock "$root"/run/* \
	"$root"/var/lib/apt/extended_states \
	"$root"/etc/.resolv.conf.systemd-resolved.bak "$root"/etc/apt/apt.conf.d/99mmdebstrap \
	"$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
find "$root/var/log" -type f -delete
mkdir -p "$root/var/lib/apt/lists/partial"
# Empty, not absent: systemd then makes one in memory and does not take this for a first boot.
: >"$root/etc/machine-id"
# The day of a password change is the day of the build unless it is taken out.
sed -i -E 's/^([^:]*:[^:]*):[0-9]*:/\1::/' "$root/etc/shadow"
