// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "tftp_rig.h"

/* Loses the packets first..last of one way. */
struct loss {
	enum sim_way way;
	unsigned int first, last;
};

static struct sim_fate lose(void *context, enum sim_way way, unsigned int place,
			    unsigned int opcode, uint16_t block)
{
	const struct loss *loss = context;

	(void)opcode;
	(void)block;
	return (struct sim_fate){
		way == loss->way && place >= loss->first && place <= loss->last ? 0 : 1, 0};
}

/* Every single packet of the server, the option acknowledgement included, and runs of several. */
static void each_datagram_lost(void **state)
{
	static const uint32_t windows[] = {1, 2, 16, 64};
	struct loss loss = {.way = SIM_TO_CLIENT};
	struct sim_setup setup = {.size = 100000, .fate = lose, .context = &loss};
	unsigned int run;
	size_t i, k;

	(void)state;
	setup.options.blksize = 1000;
	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		setup.options.windowsize = windows[i];
		for (k = 0; k < ARRAY_SIZE(windowed); k++) {
			setup.kind = windowed[k];
			for (run = 1; run <= 5; run += 2) {
				for (loss.first = 0; loss.first < 103; loss.first++) {
					loss.last = loss.first + run - 1;
					good(&setup, (run == 1 ? 400 : 11000) * MS, "lost",
					     loss.first);
				}
			}
		}
	}
}

/* Every single acknowledgement. In lockstep only the client can make good a loss of one, when it is
   a U-Boot: it answers no block that it has. */
static void each_acknowledgement_lost(void **state)
{
	static const uint32_t windows[] = {1, 2, 16, 64};
	struct loss loss = {.way = SIM_TO_SERVER};
	struct sim_setup setup = {.size = 100000, .fate = lose, .context = &loss};
	bool slow;
	size_t i, k;

	(void)state;
	setup.options.blksize = 1000;
	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		setup.options.windowsize = windows[i];
		for (k = 0; k < ARRAY_SIZE(windowed); k++) {
			setup.kind = windowed[k];
			slow = windows[i] == 1 && setup.kind != SIM_RFC;
			for (loss.first = 0; loss.first < 100 / windows[i]; loss.first++) {
				loss.last = loss.first;
				good(&setup, (slow ? 5500 : 400) * MS, "ACK lost", loss.first);
			}
		}
	}
}

/* The last acknowledgement lost: the client has gone, and the error says what is known. */
static void last_acknowledgement_lost(void **state)
{
	struct loss loss = {SIM_TO_SERVER, 10, 1000};
	struct sim_setup setup = {.kind = SIM_UBOOT, .size = 4700, .fate = lose, .context = &loss};
	struct sim_result result;

	(void)state;
	setup.options.windowsize = 1;
	setup.client_timeout = 3000 * SECOND;
	result = sim_run(&setup);
	assert_true(result.whole);
	assert_int_equal(result.state, TFTP_SEND_FAILED);
	assert_string_equal(result.error, "the last block was never acknowledged");
}

/* Loses given absolute blocks the first `times` times they are sent. */
struct block_loss {
	uint64_t blocks[4];
	unsigned int times;
	unsigned int seen[4];
	uint64_t sent;     /* highest absolute block that was sent */
	bool acks_as_well; /* the acknowledgement after it, too */
	bool lose_ack;
};

static struct sim_fate lose_blocks(void *context, enum sim_way way, unsigned int place,
				   unsigned int opcode, uint16_t block)
{
	struct block_loss *loss = context;
	uint64_t absolute;
	size_t i;

	(void)place;
	if (way == SIM_TO_SERVER && loss->lose_ack) {
		loss->lose_ack = false;
		return (struct sim_fate){0, 0};
	}
	if (way == SIM_TO_SERVER || opcode != TFTP_DATA)
		return (struct sim_fate){1, 0};
	absolute = loss->sent + (uint64_t)(int64_t)(int16_t)(block - (uint16_t)loss->sent);
	if (absolute > loss->sent)
		loss->sent = absolute;
	for (i = 0; i < ARRAY_SIZE(loss->blocks); i++) {
		if (loss->blocks[i] == absolute && loss->seen[i]++ < loss->times) {
			loss->lose_ack = loss->acks_as_well;
			return (struct sim_fate){0, 0};
		}
	}
	return (struct sim_fate){1, 0};
}

/* Once, twice, three times at one place; below and above block 32768, before, at and after the wrap
   of the numbers; with the client's next acknowledgement lost as well. */
static void one_place_lost(void **state)
{
	static const uint64_t places[] = {1,     2,     100,   32760, 32767, 32768, 32769, 40000,
					  65520, 65534, 65535, 65536, 65537, 65550, 70000};
	static const uint32_t windows[] = {1, 4, 16, 64};
	struct sim_setup setup = {.fate = lose_blocks};
	struct block_loss loss;
	struct sim_result base;
	unsigned int times, acks;
	size_t i, j, k;

	(void)state;
	setup.options.blksize = 8;
	for (j = 0; j < ARRAY_SIZE(windows); j++) {
		setup.options.windowsize = windows[j];
		setup.kind = SIM_RFC;
		setup.context = &(struct block_loss){0};
		setup.size = 70100 * 8;
		base = good(&setup, 60 * SECOND, "base", 0);
		for (i = 0; i < ARRAY_SIZE(places); i++) {
			k = (i + j) % ARRAY_SIZE(windowed);
			times = 1 + (unsigned int)(i % 3);
			acks = windows[j] > 1 && i % 2;
			loss = (struct block_loss){
				.blocks = {places[i]}, .times = times, .acks_as_well = acks};
			setup.kind = windowed[k];
			setup.context = &loss;
			setup.size = (places[i] + 100) * 8;
			/* One loss is made good at once. After several in a row a silent client is
			   spared, which takes a while. */
			good(&setup, base.time + (times == 1 && !acks ? 1 : 5) * SECOND, "place",
			     (unsigned int)places[i]);
		}
	}
}

/* Loses every `every`th of the server's packets, beginning `phase` after the packet `from`. */
struct period {
	unsigned int every, phase, from;
};

static struct sim_fate periodic(void *context, enum sim_way way, unsigned int place,
				unsigned int opcode, uint16_t block)
{
	const struct period *period = context;
	bool lost = place >= period->from && place % period->every == period->phase;

	(void)opcode;
	(void)block;
	return (struct sim_fate){way == SIM_TO_CLIENT && lost ? 0 : 1, 0};
}

/* A loss that is strictly periodic must not fall into step with what is sent again: whichever its
   period, wherever it begins, with every window, until the last block. */
static void periodic_loss(void **state)
{
	struct period period = {0};
	struct sim_setup setup = {.fate = periodic, .context = &period};
	uint32_t window;

	(void)state;
	setup.options.blksize = 8;
	for (window = 1; window <= 64; window++) {
		setup.options.windowsize = window;
		for (period.every = 2; period.every <= 20; period.every++) {
			setup.kind = windowed[(window + period.every) % ARRAY_SIZE(windowed)];
			setup.size = (130 + window % 7 + period.every) * 8;
			for (period.phase = 0; period.phase < period.every; period.phase++)
				good(&setup, 200 * SECOND, "every", period.every);
		}
	}
}

/* The same from where U-Boot tells of no gaps any more and is silent for a whole window. */
static void periodic_loss_untold(void **state)
{
	struct period period = {.from = 32900};
	struct sim_setup setup = {.kind = SIM_UBOOT, .fate = periodic, .context = &period};

	(void)state;
	setup.options.blksize = 8;
	setup.options.windowsize = 64;
	setup.size = 33200 * 8;
	for (period.every = 2; period.every <= 20; period.every++)
		good(&setup, 1800 * SECOND, "untold, every", period.every);
}

/* A generator of its own (xorshift), so that every run is the same. */
struct noise {
	uint32_t seed;
	unsigned int loss, twice, late; /* in 1000 */
};

static unsigned int thousandth(struct noise *noise)
{
	noise->seed ^= noise->seed << 13;
	noise->seed ^= noise->seed >> 17;
	noise->seed ^= noise->seed << 5;
	return noise->seed % 1000;
}

static struct sim_fate noisy(void *context, enum sim_way way, unsigned int place,
			     unsigned int opcode, uint16_t block)
{
	struct noise *noise = context;
	struct sim_fate fate = {1, 0};

	(void)way;
	(void)place;
	(void)block;
	if (opcode == TFTP_OACK)
		return fate;
	if (thousandth(noise) < noise->loss)
		fate.copies = 0;
	else if (thousandth(noise) < noise->twice)
		fate.copies = 2;
	if (thousandth(noise) < noise->late)
		fate.delay = 300;
	return fate;
}

static bool ends_as_it_may(const struct sim_result *result)
{
	return result->state == TFTP_SEND_DONE ||
	       strcmp(result->error, "the last block was never acknowledged") == 0;
}

/* The last acknowledgement is not repeated by anyone, so a lossy network may lose it. */
static void ends_whole(const struct sim_setup *setup, int64_t limit, const struct noise *noise)
{
	struct sim_result result = sim_run(setup);

	if (!result.whole || result.done_at > limit || !ends_as_it_may(&result))
		fail_msg("noise %u/%u/%u: client %d, window %u, state %d (%s), whole %d, %lld us",
			 noise->loss, noise->twice, noise->late, setup->kind,
			 setup->options.windowsize, result.state, result.error, result.whole,
			 (long long)result.done_at);
}

static void noise(void **state)
{
	static const struct {
		struct noise noise;
		int64_t limit, lockstep_limit;
	} rows[] = {
		{{0, 1, 0, 0}, 300 * MS, 5 * SECOND},
		{{0, 10, 0, 0}, 3 * SECOND, 30 * SECOND},
		{{0, 50, 0, 0}, 25 * SECOND, 150 * SECOND},
		{{0, 0, 50, 0}, SECOND, SECOND},
		{{0, 0, 0, 50}, 2 * SECOND, SECOND},
		{{0, 20, 20, 20}, 12 * SECOND, 60 * SECOND},
	};
	static const uint32_t windows[] = {1, 4, 16, 64};
	struct sim_setup setup = {.size = 2000000, .fate = noisy, .client_timeout = SECOND};
	struct noise one;
	uint32_t seed;
	size_t i, j;

	(void)state;
	setup.options.blksize = 1468;
	setup.context = &one;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (j = 0; j < ARRAY_SIZE(windows); j++) {
			for (seed = 1; seed <= 6; seed++) {
				one = rows[i].noise;
				one.seed = seed * 7919;
				setup.kind = windowed[seed % ARRAY_SIZE(windowed)];
				setup.options.windowsize = windows[j];
				ends_whole(&setup,
					   windows[j] > 1 ? rows[i].limit : rows[i].lockstep_limit,
					   &one);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_datagram_lost),
		cmocka_unit_test(each_acknowledgement_lost),
		cmocka_unit_test(last_acknowledgement_lost),
		cmocka_unit_test(one_place_lost),
		cmocka_unit_test(periodic_loss),
		cmocka_unit_test(periodic_loss_untold),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
