// SPDX-License-Identifier: MIT
#include "image/readahead.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct readahead {
	struct reader reader;
	struct reader *below;
	size_t chunk, space; /* bytes of a read below; of the ring */
	bool started;
	pthread_t thread;
	uint8_t *ring;

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t more, room;
	size_t first, filled; /* what is in the ring: `filled` bytes from `first` on */
	bool stop, ended;
	int rc;         /* with `ended`: how it ended */
	struct err err; /* with rc < 0 */
};

/* Where the next bytes go, and how many: whole chunks, except where the ring turns. NULL when the
   consumer has gone. */
static uint8_t *wait_for_room(struct readahead *queue, size_t *size)
{
	size_t at;
	bool stop;

	pthread_mutex_lock(&queue->lock);
	while (!queue->stop && queue->space - queue->filled < queue->chunk)
		pthread_cond_wait(&queue->room, &queue->lock);
	at = (queue->first + queue->filled) % queue->space;
	stop = queue->stop;
	pthread_mutex_unlock(&queue->lock);
	*size = queue->space - at < queue->chunk ? queue->space - at : queue->chunk;
	return stop ? NULL : queue->ring + at;
}

/* What was read is there for the consumer at once: a slow source need not fill a chunk first. */
static void hand_on(struct readahead *queue, size_t size, int rc, const struct err *err)
{
	pthread_mutex_lock(&queue->lock);
	queue->filled += size;
	if (size == 0) {
		queue->ended = true;
		queue->rc = rc;
		queue->err = *err;
	}
	pthread_cond_signal(&queue->more);
	pthread_mutex_unlock(&queue->lock);
}

static void *produce(void *context)
{
	struct readahead *queue = context;
	struct err err = {0};
	size_t size, got = 1;
	uint8_t *at;
	int rc = 0;

	while (got > 0 && (at = wait_for_room(queue, &size))) {
		rc = queue->below->read(queue->below, at, size, &got, &err);
		if (rc < 0)
			got = 0;
		hand_on(queue, got, rc, &err);
	}
	return NULL;
}

/* How many bytes there are in one piece, at *at; 0 with status 0 at the end. */
static int wait_for_more(struct readahead *queue, const uint8_t **at, size_t *size, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&queue->lock);
	while (queue->filled == 0 && !queue->ended)
		pthread_cond_wait(&queue->more, &queue->lock);
	*at = queue->ring + queue->first;
	*size = queue->space - queue->first;
	if (*size > queue->filled)
		*size = queue->filled;
	if (queue->filled == 0 && queue->rc < 0) {
		rc = queue->rc;
		if (err)
			*err = queue->err;
	}
	pthread_mutex_unlock(&queue->lock);
	return rc;
}

static void give_back(struct readahead *queue, size_t size)
{
	pthread_mutex_lock(&queue->lock);
	queue->first = (queue->first + size) % queue->space;
	queue->filled -= size;
	if (queue->space - queue->filled >= queue->chunk)
		pthread_cond_signal(&queue->room);
	pthread_mutex_unlock(&queue->lock);
}

static int readahead_read(struct reader *reader, void *data, size_t size, size_t *got,
			  struct err *err)
{
	struct readahead *queue = container_of(reader, struct readahead, reader);
	const uint8_t *at;
	int rc;

	if (!queue->started)
		return queue->below->read(queue->below, data, size, got, err);
	rc = wait_for_more(queue, &at, got, err);
	if (rc < 0 || *got == 0)
		return rc;
	if (*got > size)
		*got = size;
	memcpy(data, at, *got);
	give_back(queue, *got);
	return 0;
}

static void end_thread(struct readahead *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->stop = true;
	pthread_cond_signal(&queue->room);
	pthread_mutex_unlock(&queue->lock);
	pthread_join(queue->thread, NULL);
}

static void readahead_close(struct reader *reader)
{
	struct readahead *queue = container_of(reader, struct readahead, reader);

	if (queue->started)
		end_thread(queue);
	queue->below->close(queue->below);
	free(queue->ring);
	pthread_cond_destroy(&queue->room);
	pthread_cond_destroy(&queue->more);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

struct reader *readahead_new(struct reader *below, size_t chunk, size_t count)
{
	struct readahead *queue = xcalloc(1, sizeof(*queue));

	queue->reader = (struct reader){.read = readahead_read, .close = readahead_close};
	queue->below = below;
	queue->chunk = chunk;
	queue->space = chunk * count;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->more, NULL);
	pthread_cond_init(&queue->room, NULL);
	return &queue->reader;
}

/* Signals are for the thread that waits for them, never for a stage. */
static int create_quiet_thread(struct readahead *queue)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&queue->thread, NULL, produce, queue);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int readahead_start(struct reader *reader, struct err *err)
{
	struct readahead *queue = container_of(reader, struct readahead, reader);

	queue->ring = xmalloc(queue->space);
	errno = create_quiet_thread(queue);
	if (errno != 0)
		return err_errno(err, ERR_HOST, "cannot start a thread");
	queue->started = true;
	return 0;
}
