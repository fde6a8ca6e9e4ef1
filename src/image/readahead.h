// SPDX-License-Identifier: MIT
/*
 * A bounded queue between two stages of a pipeline, as a reader: it runs the reader below it in a
 * thread of its own, at most `count` chunks ahead, in a ring that is allocated once. An error
 * travels through the queue with its whole text, behind the bytes that came before it.
 */
#ifndef ABOARD_IMAGE_READAHEAD_H
#define ABOARD_IMAGE_READAHEAD_H

#include <stddef.h>

#include "base/reader.h"

/* Takes `below` over. Until readahead_start() it only hands reads through, so that a pipeline can
   be built, and the head of its content looked at, without running ahead. Closing it ends the
   thread: a thread that waits for room ends at once, one inside a read below when that read
   returns, so what is below must watch a cancel descriptor of the caller. */
struct reader *readahead_new(struct reader *below, size_t chunk, size_t count);

/* Starts the thread; from then on the reader below belongs to it. ERR_HOST when there is none to be
   had. Signals are left to the other threads. */
int readahead_start(struct reader *reader, struct err *err);

#endif
