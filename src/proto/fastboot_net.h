// SPDX-License-Identifier: MIT
/*
 * The packets of fastboot over UDP, for both sides, and what the network links share.
 */
#ifndef ABOARD_PROTO_FASTBOOT_NET_H
#define ABOARD_PROTO_FASTBOOT_NET_H

#include "io/stream.h"
#include "proto/fastboot.h"

/* AOSP fastboot/README.md, "UDP Protocol v1". Numbers are big-endian. */
enum fastboot_udp_id {
	FASTBOOT_UDP_ERROR,
	FASTBOOT_UDP_QUERY,
	FASTBOOT_UDP_INIT,
	FASTBOOT_UDP_DATA, /* "Fastboot" there: a command, an answer, or data */
};

#define FASTBOOT_UDP_HEADER     4
#define FASTBOOT_UDP_PACKET_MIN 512  /* bytes that every side takes, also before INIT */
#define FASTBOOT_UDP_PACKET_MAX 8192 /* that this side takes */
#define FASTBOOT_UDP_VERSION    1

struct fastboot_udp_packet {
	uint8_t id;
	bool more; /* the message goes on in the next packet */
	uint16_t sequence;
	const uint8_t *data; /* borrowed */
	size_t size;
};

/* Pure; false for what is no packet. */
bool fastboot_udp_parse(const uint8_t *bytes, size_t size, struct fastboot_udp_packet *packet);

/* Writes the header and the data behind it; returns the packet's size. `out` has room for it. */
size_t fastboot_udp_build(uint8_t *out, const struct fastboot_udp_packet *packet);

/* A TCP link over a stream (taken over) whose versions have been exchanged. */
struct fastboot_link *fastboot_tcp_over(struct stream *stream);

#endif
