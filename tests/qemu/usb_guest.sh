# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What scripts of the USB guest use. Sourced by each of them.

# until_true SECONDS COMMAND...: tries it again and again; fails when the time is over
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "not within the time: $*" >&2
			ps -e -o pid,stat,wchan:20,args --ppid 2 --deselect >&2
			dmesg | tail -n 30 >&2
			return 1
		fi
		sleep 0.05
	done
}

# gadget_port N: the port that gadget N, 0 or 1, is plugged into: BUS-1
gadget_port() {
	basename "$(echo "/sys/devices/platform/dummy_hcd.$1"/usb*)" | sed 's/^usb\(.*\)$/\1-1/'
}

# usb_disks PORT: the block devices of the USB mass storage interface on this port, one a line, as
# sysfs tells: the device, its interface of class 08/06/50, the SCSI host below it
usb_disks() {
	local interface
	for interface in "/sys/bus/usb/devices/$1/$1":*; do
		[ "$(cat "$interface"/bInterface{Class,SubClass,Protocol} 2>/dev/null | tr '\n' ' ')" = "08 06 50 " ] || continue
		(cd "$interface" && ls -d host*/target*/*/block/*) 2>/dev/null | sed 's,.*/,,'
	done
}

has_disk() {
	[ -n "$(usb_disks "$1")" ]
}

# ums_plug N FILE SERIAL: gadget N, 0 or 1, becomes what U-Boot's `ums` is on a board of ST's, with this
# file as its disk; returns when the kernel has made the block device
ums_plug() {
	local gadget=/sys/kernel/config/usb_gadget/ums$1 lun
	lun=$(ums_lun "$1")
	# The second that the kernel waits for real disks to spin up.
	echo 0 >/sys/module/usb_storage/parameters/delay_use
	mkdir "$gadget" "$gadget/strings/0x409" "$gadget/configs/c.1" "$gadget/functions/mass_storage.0"
	echo 0x0483 >"$gadget/idVendor"
	echo 0x5720 >"$gadget/idProduct"
	echo "$3" >"$gadget/strings/0x409/serialnumber"
	echo "USB download gadget" >"$gadget/strings/0x409/product"
	echo 1 >"$lun/removable"
	printf '%-8s%-16s%s' Linux "UMS disk 0" ffff >"$lun/inquiry_string"
	echo "$2" >"$lun/file"
	ln -s "$gadget/functions/mass_storage.0" "$gadget/configs/c.1/"
	echo "dummy_udc.$1" >"$gadget/UDC"
	until_true 10 has_disk "$(gadget_port "$1")"
}

# ums_lun N: the folder in which the kernel keeps what gadget N is a disk of: file, ro
ums_lun() {
	echo "/sys/kernel/config/usb_gadget/ums$1/functions/mass_storage.0/lun.0"
}

# ums_unplug N
ums_unplug() {
	echo >"/sys/kernel/config/usb_gadget/ums$1/UDC"
}

# usb_present PORT: whether the kernel has enumerated a device there, and udevd is done with it
usb_present() {
	[ -e "/sys/bus/usb/devices/$1/$1:1.0" ] && udevadm settle --timeout 5
}

# usbip_attached TCP-PORT BUSID: whether the kernel has this device of a server attached
usbip_attached() {
	local file port
	for file in /run/vhci_hcd/port*; do
		[ "$(cat "$file" 2>/dev/null)" = "10.0.2.2 $1 $2" ] || continue
		port=${file##*port}
		# The state of a port in use is 6.
		awk -v port="$port" '$2 + 0 == port && $3 == "006" { found = 1 } END { exit !found }' \
			/sys/devices/platform/vhci_hcd.0/status && return 0
	done
	return 1
}

# usbip_keep TCP-PORT BUSID...: attaches these devices of a USB/IP server on the loopback of the machine
# outside, each at the first port that is free, and again whenever one has gone: the kernel does not ask
# for it again when the server drops it, as it does while a board restarts. Runs until the guest ends, to
# be put into the background. Once for all devices: two clients would want the same port.
usbip_keep() {
	local server=$1 busid
	shift
	while :; do
		for busid in "$@"; do
			# It fails while the device is away, which is no end, also of a script with -e.
			usbip_attached "$server" "$busid" ||
				timeout 20 usbip --tcp-port "$server" attach -r 10.0.2.2 -b "$busid" >/dev/null 2>&1 || :
		done
		sleep 0.1
	done
}
