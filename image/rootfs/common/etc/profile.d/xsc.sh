# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# The message of the day, with live numbers; only where somebody reads it.
case $- in
*i*) [ -n "${XSC_GREETED-}" ] || {
	/usr/bin/xsc-banner || :
	export XSC_GREETED=1
} ;;
esac
