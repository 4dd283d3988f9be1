#!/bin/sh
# Process 1 of a guest after switch_root: runs the script or the shell, then powers the guest off.
# $1 the console, $2 the program of an interactive shell, or nothing, $3 its terminal's settings

busybox=/run/loadstone/busybox
ports=/dev/virtio-ports

if [ -n "$2" ]; then
	# shellcheck disable=SC2086 # words for stty
	[ -z "$3" ] || $busybox stty $3 <"/dev/$1"
	$busybox setsid -c "$2" <>"/dev/$1" >&0 2>&1
else
	$busybox setsid /bin/sh <$ports/virtme.stdin >$ports/virtme.stdout 2>$ports/virtme.stderr
	echo $? >$ports/virtme.ret
fi
exec $busybox poweroff -n -f
