# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the scripts of the virtual board share. Sourced, never run.

say() {
	echo "$(basename "$0"): $*" >&2
}

die() {
	say "$*"
	exit 1
}

need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || die "$tool is missing; run scripts/deps"
	done
}

cache_dir() {
	local repo
	repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
	echo "${ABOARD_DEMO_CACHE:-$repo/demo/cache}"
}

# The time stamp of everything that is built; SOURCE_DATE_EPOCH makes builds repeatable.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(date +%s)}"

# busybox_root DIR ARM64 HOSTNAME: a root folder with busybox as init, getty and login
busybox_root() {
	local dir=$1 arm64=$2 link
	mkdir -p "$dir"/{bin,sbin,usr/bin,usr/sbin,etc,dev,proc,sys,run,tmp,root}
	chmod 1777 "$dir/tmp"
	install -m 755 "$arm64/busybox" "$dir/bin/busybox"
	for link in bin/sh bin/login bin/mount sbin/init sbin/getty; do
		ln -s /bin/busybox "$dir/$link"
	done
	# shellcheck disable=SC2016 # expanded on the board
	echo 'root::0:0:root:/root:/bin/sh' >"$dir/etc/passwd"
	echo 'root:x:0:' >"$dir/etc/group"
	echo "$3" >"$dir/etc/hostname"
	echo "127.0.0.1 localhost $3" >"$dir/etc/hosts"
	cat >"$dir/etc/inittab" <<-'TEXT'
		::sysinit:/etc/rc
		ttyAMA0::respawn:/sbin/getty -L 115200 ttyAMA0 vt100
		::ctrlaltdel:/sbin/reboot
		::shutdown:/bin/umount -a -r
	TEXT
}

# put_modules DIR ARM64 NAME...: kernel modules below DIR/modules and their order in DIR/modules/order
put_modules() {
	local dir=$1 arm64=$2
	shift 2
	mkdir -p "$dir/modules"
	(cd "$arm64/modules" && cp "${@/%/.ko}" "$dir/modules/")
	printf '%s\n' "$@" >"$dir/modules/order"
}

# pack_initramfs DIR FILE: everything in DIR, owned by root, as a compressed cpio archive
pack_initramfs() {
	find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	(cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio --quiet -0 -o -H newc -R 0:0 --reproducible | gzip -9n) >"$2"
}

# put_udhcpc_script DIR: what busybox's DHCP client runs to set the interface
put_udhcpc_script() {
	local file=$1/etc/udhcpc/default.script
	mkdir -p "$(dirname "$file")"
	cat >"$file" <<-'TEXT'
		#!/bin/sh
		case $1 in
		deconfig)
			ip address flush dev "$interface"
			ip link set "$interface" up
			;;
		bound | renew)
			ip address replace "$ip/${mask:-24}" dev "$interface"
			[ -z "$router" ] || ip route replace default via "${router%% *}" dev "$interface"
			;;
		esac
	TEXT
	chmod 755 "$file"
}
