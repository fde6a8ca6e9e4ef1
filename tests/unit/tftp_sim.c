// SPDX-License-Identifier: MIT
#include "tftp_sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HOUR (INT64_C(3600) * 1000000)

struct packet {
	int64_t at;
	uint64_t order; /* among those of one moment */
	enum sim_way way;
	size_t size;
	uint8_t *data;
};

/* What a client knows. The names are those of the rules, not of anyone's code. */
struct client {
	bool done;
	bool oack;         /* one was taken */
	uint16_t current;  /* the last block in order, as its number */
	uint16_t next_ack; /* the block to acknowledge next */
	uint16_t last_gap; /* where a gap was last told of */
	uint64_t blocks;   /* in order so far */
	uint32_t blksize;
	uint16_t window;
	uint8_t *file;
	uint64_t size; /* of what was stored */
	int64_t wake;
};

struct sim {
	const struct sim_setup *setup;
	struct tftp_send send;
	struct client client;
	struct sim_result result;
	struct packet *queue;
	size_t queued, space;
	uint64_t order;
	unsigned int places[2];
	int64_t wire_free[2];
	unsigned int ring; /* frames in it */
	bool overrun, was_away;
	int64_t ring_at; /* when its last frame is handled */
	int64_t now;
	uint8_t packet[TFTP_DATAGRAM_MAX];
};

static uint8_t sim_byte(uint64_t offset)
{
	return (uint8_t)(offset * 31 + (offset >> 8) * 17 + (offset >> 16));
}

int sim_read(void *context, uint64_t offset, void *data, size_t size, struct err *err)
{
	uint8_t *to = data;
	size_t i;

	(void)context;
	(void)err;
	for (i = 0; i < size; i++)
		to[i] = sim_byte(offset + i);
	return 0;
}

static uint16_t number_at(const uint8_t *at)
{
	return (uint16_t)((unsigned int)at[0] << 8 | at[1]);
}

static int64_t or_default(int64_t value, int64_t otherwise)
{
	return value ? value : otherwise;
}

static void enqueue(struct sim *sim, enum sim_way way, const void *data, size_t size, int64_t at)
{
	if (sim->queued == sim->space) {
		sim->space = sim->space ? 2 * sim->space : 64;
		sim->queue = xrealloc(sim->queue, sim->space, sizeof(*sim->queue));
	}
	sim->queue[sim->queued++] =
		(struct packet){at, sim->order++, way, size, xmemdup(data, size)};
}

/* The wire takes one packet after the other; fate may lose, double or delay it. */
static void transmit(struct sim *sim, enum sim_way way, const uint8_t *data, size_t size)
{
	const struct sim_setup *setup = sim->setup;
	struct sim_fate fate = {1, 0};
	uint16_t block = number_at(data + 2);
	unsigned int i;

	if (setup->fate)
		fate = setup->fate(setup->context, way, sim->places[way], data[1], block);
	sim->places[way]++;
	if (sim->wire_free[way] < sim->now)
		sim->wire_free[way] = sim->now;
	sim->wire_free[way] += or_default(setup->frame_time, 12);
	for (i = 0; i < fate.copies; i++)
		enqueue(sim, way, data, size,
			sim->wire_free[way] + or_default(setup->latency, 100) + fate.delay);
}

static void client_ack(struct sim *sim)
{
	uint8_t ack[4] = {0, TFTP_ACK, (uint8_t)(sim->client.current >> 8),
			  (uint8_t)sim->client.current};

	sim->result.acks++;
	transmit(sim, SIM_TO_SERVER, ack, sizeof(ack));
}

static void store(struct sim *sim, uint64_t block, const uint8_t *data, size_t size)
{
	struct client *client = &sim->client;
	uint64_t offset = (block - 1) * client->blksize;

	if (offset + size <= sim->setup->size)
		memcpy(client->file + offset, data, size);
	if (offset + size > client->size)
		client->size = offset + size;
}

static void finish(struct sim *sim)
{
	sim->client.done = true;
	sim->result.done_at = sim->now;
	sim->client.wake = INT64_MAX;
}

static void client_tells_gap(struct sim *sim)
{
	struct client *client = &sim->client;

	if (client->last_gap == client->current)
		return;
	client_ack(sim);
	client->last_gap = client->current;
	client->next_ack = (uint16_t)(client->current + client->window);
}

/* A block that is not the next one. */
static void client_out_of_order(struct sim *sim, uint16_t block)
{
	struct client *client = &sim->client;

	switch (sim->setup->kind) {
	case SIM_RFC:
		client_ack(sim);
		client->next_ack = (uint16_t)(client->current + client->window);
		return;
	case SIM_UBOOT:
		/* Signed against unsigned, as U-Boot compares. */
		if ((int)(uint16_t)(client->current + 1) - (int)(int16_t)block > 0)
			return;
		client_tells_gap(sim);
		return;
	case SIM_UBOOT_FIRST:
		client_tells_gap(sim);
		return;
	case SIM_UBOOT_OLD:
		return;
	}
}

static void client_data(struct sim *sim, uint16_t block, const uint8_t *data, size_t size)
{
	struct client *client = &sim->client;

	sim->client.oack = true;
	/* Without a check: the number alone says where it goes. */
	if (sim->setup->kind == SIM_UBOOT_OLD && block != client->current)
		client->blocks += (uint64_t)(uint16_t)(block - client->current) - 1;
	else if (block != (uint16_t)(client->current + 1)) {
		client_out_of_order(sim, block);
		return;
	}
	client->current = block;
	client->blocks++;
	client->wake = sim->now + or_default(sim->setup->client_timeout, 5000000);
	store(sim, client->blocks, data, size);
	if (size < client->blksize) {
		client_ack(sim);
		finish(sim);
	} else if (client->window == 1 || block == client->next_ack) {
		client_ack(sim);
		client->next_ack = (uint16_t)(block + client->window);
	}
}

static void client_oack(struct sim *sim)
{
	struct client *client = &sim->client;
	const struct tftp_options *granted = &sim->send.granted;

	/* What U-Boot and others answer to a second one is checked where it matters: in data. */
	if (granted->blksize)
		client->blksize = granted->blksize;
	if (granted->windowsize)
		client->window = (uint16_t)granted->windowsize;
	client->next_ack = client->window;
	client->oack = true;
	client->wake = sim->now + or_default(sim->setup->client_timeout, 5000000);
	client_ack(sim);
}

/* A frame finds room in the receive ring and is handled after those before it, or is lost. */
static void ring_takes(struct sim *sim, const uint8_t *data, size_t size)
{
	if (sim->ring == sim->setup->ring)
		sim->overrun = true;
	if (sim->ring == sim->setup->ring || (sim->overrun && sim->setup->brittle))
		return;
	if (!sim->ring++)
		sim->ring_at = sim->now;
	if (sim->setup->away_for && !sim->was_away && sim->now >= sim->setup->away_at) {
		sim->was_away = true;
		sim->ring_at += sim->setup->away_for;
	}
	sim->ring_at += sim->setup->drain_time;
	enqueue(sim, SIM_IN_CLIENT, data, size, sim->ring_at);
}

static void client_takes(struct sim *sim, const uint8_t *data, size_t size)
{
	if (sim->client.done)
		return;
	if (data[1] == TFTP_OACK)
		client_oack(sim);
	else if (data[1] == TFTP_DATA)
		client_data(sim, number_at(data + 2), data + 4, size - 4);
	else
		finish(sim);
}

static size_t first_packet(const struct sim *sim)
{
	size_t best = 0, i;

	for (i = 1; i < sim->queued; i++)
		if (sim->queue[i].at < sim->queue[best].at ||
		    (sim->queue[i].at == sim->queue[best].at &&
		     sim->queue[i].order < sim->queue[best].order))
			best = i;
	return best;
}

static void deliver(struct sim *sim, size_t index)
{
	struct packet packet = sim->queue[index];
	_cleanup_(freep) uint8_t *data = packet.data;

	sim->queue[index] = sim->queue[--sim->queued];
	if (packet.way == SIM_IN_CLIENT)
		sim->ring--;
	if (packet.way == SIM_TO_CLIENT && sim->setup->ring)
		ring_takes(sim, data, packet.size);
	else if (packet.way != SIM_TO_SERVER)
		client_takes(sim, data, packet.size);
	else
		tftp_send_receive(&sim->send, data, packet.size, sim->now);
}

static void server_sends(struct sim *sim)
{
	size_t size;

	while ((size = tftp_send_next(&sim->send, sim->packet, sim->now))) {
		sim->result.sent++;
		transmit(sim, SIM_TO_CLIENT, sim->packet, size);
	}
}

static void client_wakes(struct sim *sim)
{
	sim->client.wake = sim->now + or_default(sim->setup->client_timeout, 5000000);
	if (sim->client.oack)
		client_ack(sim);
}

/* One event. False: nothing is left to happen. */
static bool step(struct sim *sim)
{
	size_t first = first_packet(sim);
	int64_t packet_at = sim->queued ? sim->queue[first].at : INT64_MAX;
	int64_t server_at = tftp_send_wake(&sim->send);
	int64_t next = server_at < sim->client.wake ? server_at : sim->client.wake;

	if (packet_at < next)
		next = packet_at;
	if (next > HOUR || (tftp_send_ended(&sim->send) && !sim->queued))
		return false;
	if (next > sim->now)
		sim->now = next;
	if (packet_at <= sim->now)
		deliver(sim, first);
	else if (sim->client.wake <= sim->now)
		client_wakes(sim);
	server_sends(sim);
	if (tftp_send_ended(&sim->send) && !sim->result.time)
		sim->result.time = sim->now;
	return true;
}

static bool file_is_whole(const struct sim *sim)
{
	uint64_t i;

	if (!sim->client.done || sim->client.size != sim->setup->size)
		return false;
	for (i = 0; i < sim->setup->size; i++)
		if (sim->client.file[i] != sim_byte(i))
			return false;
	return true;
}

static void start(struct sim *sim)
{
	const struct sim_setup *setup = sim->setup;
	struct tftp_request request = {
		.opcode = TFTP_RRQ, .name = "f", .octet = true, .options = setup->options};
	struct tftp_source source = {.read = sim_read, .size = setup->size};

	sim->client = (struct client){
		.blksize = TFTP_BLKSIZE_DEFAULT, .window = 1, .next_ack = 1, .wake = INT64_MAX};
	sim->client.file = xcalloc(setup->size + 1, 1);
	tftp_send_start(&sim->send, &request, &source,
			setup->window_max ? setup->window_max : TFTP_WINDOW_DEFAULT, sim->now);
}

struct sim_result sim_run(const struct sim_setup *setup)
{
	struct sim sim = {.setup = setup, .now = 1};

	start(&sim);
	server_sends(&sim);
	while (step(&sim))
		continue;
	sim.result.state = sim.send.state;
	sim.result.whole = file_is_whole(&sim);
	sim.result.blocks = sim.send.blocks;
	sim.result.resent = sim.send.resent;
	sim.result.gaps = sim.send.gaps;
	memcpy(sim.result.error, sim.send.error, sizeof(sim.result.error));
	while (sim.queued)
		free(sim.queue[--sim.queued].data);
	free(sim.queue);
	free(sim.client.file);
	return sim.result;
}
