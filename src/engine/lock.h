// SPDX-License-Identifier: MIT
/*
 * One job a board: a lock on STATE/locks/BOARD.lock, held by the kernel for this process, so that
 * it is free again however the process ends. The file says who holds it.
 */
#ifndef ABOARD_ENGINE_LOCK_H
#define ABOARD_ENGINE_LOCK_H

#include <stdint.h>

#include "base/err.h"

struct board_lock;

/* Takes the lock, or fails at once: ERR_BUSY names the holder's job, verb and process, and since
 * when. `board` is a checked name of a board. */
int board_lock(struct board_lock **lock, const char *board, const char *verb, struct err *err);

/* Adds the job's number to what others are told. */
void board_lock_job(struct board_lock *lock, int64_t job);

void board_unlock(struct board_lock *lock); /* NULL is fine */

#endif
