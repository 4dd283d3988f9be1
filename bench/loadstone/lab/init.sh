#!/bin/sh
# The init in a guest's initramfs: mounts the host's root, the guest's own file systems over it, and
# executes start.sh. udev does not run: its timeouts are by the guest's clock, which jumps while a
# guest waits for its host.

stop() {
	echo "loadstone: a guest cannot be set up: $*"
	exit 1 # of process 1, which is a panic
}

# For file systems that not every kernel has.
may_mount() {
	mount "$@" 2>/dev/null
}

cover() {
	for place in "$@"; do
		[ ! -d "/root/$place" ] || mount -t tmpfs none "/root/$place" || stop "tmpfs on /$place"
	done
}

# virtme-run numbers them on the kernel's command line; the kernel passes them in the environment.
mount_shares() {
	local place number=0
	while eval "place=\$virtme_initmount$number" && [ -n "$place" ]; do
		mkdir -p "/root/$place"
		mount -n -t 9p -o "$nine_p" "virtme.initmount$number" "/root/$place" || stop "9p $place"
		number=$((number + 1))
	done
}

# An overlay, for a container's root that lacks the directory over which modules are mounted.
make_writable() {
	local own="/root/run/loadstone/writable"
	mkdir -p "$own/upper" "$own/work"
	mount -t overlay -o "xino=off,lowerdir=/root$1,upperdir=$own/upper,workdir=$own/work" \
		none "/root$1" || stop "overlayfs on $1"
}

# By the names that QEMU gave them; a port appears some time after its driver.
name_ports() {
	local port name
	mkdir /root/dev/virtio-ports
	for name in stdin stdout stderr dev_stdout dev_stderr ret; do
		until port=$(grep -lx "virtme.$name" /sys/class/virtio-ports/*/name 2>/dev/null); do
			sleep 0.01
		done
		port="${port%/name}"
		ln -s "../${port##*/}" "/root/dev/virtio-ports/virtme.$name"
	done
	ln -s virtio-ports/virtme.dev_stdout /root/dev/stdout
	ln -s virtio-ports/virtme.dev_stderr /root/dev/stderr
	ln -s /proc/self/fd/0 /root/dev/stdin
}

# The settings of this boot: nine_p, modules, writable, covered.
. /boot.sh

for module in $modules; do
	insmod "/modules/$module" || stop "module $module"
done

mount -n -t 9p -o "$nine_p" /dev/root /root || stop "the root"
mount -t proc -o nosuid,noexec,nodev proc /root/proc || stop "proc"
mount -t sysfs -o nosuid,noexec,nodev sys /root/sys || stop "sysfs"
mount -t devtmpfs -o mode=0755,nosuid,noexec dev /root/dev || stop "devtmpfs"
mount -t tmpfs -o mode=0755 run /root/run || stop "tmpfs on /run"
mkdir -p /root/run/loadstone /root/dev/shm /root/dev/pts
mount -t devpts -o gid=5,mode=620,noexec,nosuid devpts /root/dev/pts || stop "devpts"
mount -t tmpfs -o mode=1777,nosuid,nodev shm /root/dev/shm || stop "tmpfs on /dev/shm"
[ -e /root/dev/fd ] || ln -s /proc/self/fd /root/dev/fd
may_mount -t configfs configfs /root/sys/kernel/config
may_mount -t debugfs debugfs /root/sys/kernel/debug
may_mount -t tracefs tracefs /root/sys/kernel/tracing
may_mount -t securityfs securityfs /root/sys/kernel/security
may_mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
# shellcheck disable=SC2086 # names of directories, one word each
cover $covered
[ -z "$writable" ] || make_writable "$writable"
mount_shares
ifconfig lo 127.0.0.1 up

ln -s /root/sys /sys
[ -n "$virtme_shell" ] || name_ports
cp /bin/busybox /start.sh /root/run/loadstone || stop "copying busybox"
exec env -i HOME=/root TERM="$TERM" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	/bin/switch_root /root /run/loadstone/busybox sh /run/loadstone/start.sh \
	"$virtme_console" "$virtme_shell" "$virtme_stty_con"
