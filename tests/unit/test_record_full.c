// SPDX-License-Identifier: MIT
/* The record on disks that are really small and really full: a tmpfs of our own, in a mount
   namespace of our own, so no rights are needed; where namespaces are not allowed the tests are
   skipped. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "engine/record.h"

#define MIB ((size_t)1 << 20)

static bool put(const char *path, const char *text)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Root in a user namespace that maps only ourselves: enough to mount a tmpfs. */
static bool own_namespace(void)
{
	_cleanup_(freep) char *users = xasprintf("0 %d 1", (int)geteuid());
	_cleanup_(freep) char *groups = xasprintf("0 %d 1", (int)getegid());

	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && put("/proc/self/setgroups", "deny") &&
	       put("/proc/self/uid_map", users) && put("/proc/self/gid_map", groups) &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static int set_up(void **state)
{
	char *root = xstrdup("/tmp/aboard-full.XXXXXX");

	*state = root;
	if (!mkdtemp(root))
		return -1;
	return setenv("ABOARD_HOME", root, 1);
}

static int tear_down(void **state)
{
	_cleanup_(freep) char *root = *state;

	unsetenv("ABOARD_HOME");
	umount2(root, MNT_DETACH);
	return rmdir(root);
}

static void mount_disk(void **state, size_t mib)
{
	_cleanup_(freep) char *options = xasprintf("size=%zum,mode=0700", mib);

	if (mount("none", *state, "tmpfs", 0, options) < 0)
		skip();
}

/* A file that takes all the room there is. */
static char *fill_disk(void **state)
{
	_cleanup_(freep) char *path = xasprintf("%s/filler", (char *)*state);
	_cleanup_(freep) char *piece = xcalloc(1, MIB);
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	size_t size = MIB;

	assert_true(fd >= 0);
	while (size >= 512)
		if (write(fd, piece, size) <= 0)
			size /= 2;
	return steal(path);
}

static void too_small_is_said_first(void **state)
{
	struct record *record;
	struct err err;

	mount_disk(state, 16);
	assert_int_equal(record_begin(&record, "flash", "demo", "uboot", &err), -ERR_HOST);
	assert_memory_equal(err.text, "only 16.0 MiB are free in /tmp/aboard-full.", 43);
	assert_non_null(strstr(err.text, "/state, 64.0 MiB are needed to keep the record"));
	assert_string_equal(err.remedy,
			    "free some space, or set ABOARD_HOME to a folder on another disk");
}

static void log_much(struct events *events)
{
	int i;

	for (i = 0; i < 100; i++)
		events_log(events, "info", "%01000d", i);
}

static void full_in_the_middle(void **state)
{
	_cleanup_(freep) char *filler = NULL;
	struct events *events;
	struct record *record;
	json_t *jobs;
	struct err err;

	mount_disk(state, 80);
	assert_int_equal(record_begin(&record, "flash", "demo", "uboot", &err), 0);
	events = events_new(NULL);
	events_add(events, record_sink(record));
	events_log(events, "info", "begun");
	assert_int_equal(record_trouble(record, &err), 0);
	filler = fill_disk(state);
	log_much(events);
	assert_int_equal(record_trouble(record, &err), -ERR_HOST);
	assert_non_null(strstr(err.text, "/history.sqlite: database or disk is full"));
	assert_string_equal(err.remedy, "free some space on that disk");

	/* There is room again: what happens from here on is kept, the trouble stays known. */
	assert_int_equal(unlink(filler), 0);
	events_emit(events, "result", json_pack("{s:s}", "outcome", "failed"));
	assert_int_equal(record_trouble(record, &err), -ERR_HOST);
	events_free(events);
	record_end(record);
	assert_int_equal(record_list(&(struct record_filter){.failed = true}, &jobs, &err), 0);
	assert_int_equal(json_array_size(jobs), 1);
	json_decref(jobs);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(too_small_is_said_first),
		IN_PLACE(full_in_the_middle),
	};

	if (!own_namespace()) {
		fprintf(stderr, "user and mount namespaces are not allowed here\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
