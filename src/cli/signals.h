// SPDX-License-Identifier: MIT
/*
 * SIGINT, SIGTERM and SIGHUP end the work in an orderly way: they make a descriptor readable that
 * every wait watches. A second one changes nothing but is answered. A thread of its own takes them,
 * so no handler runs anywhere.
 */
#ifndef ABOARD_CLI_SIGNALS_H
#define ABOARD_CLI_SIGNALS_H

#include <pthread.h>

#include "base/err.h"

struct signals {
	int cancel_fd; /* readable, and never read, once a signal came */
	int signal_fd, stop_fd;
	pthread_t thread;
};

/* To be called before any other thread begins. Signals that were ignored when the program began
   (nohup, a background job) stay ignored. */
int signals_begin(struct signals *signals, struct err *err);
void signals_end(struct signals *signals);

#endif
