// SPDX-License-Identifier: MIT
/* The example driver of docs/adding-a-driver.md, against a loader in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "docs/example-driver/loader.h"
#include "engine/board.h"
#include "engine/job.h"

#define IMAGE_SIZE 100000

static const struct driver *const example_drivers[] = {&loader_driver, NULL};

struct scene {
	char root[64], image[96], socket[96];
	int listen_fd;
	pid_t loader;
};

static int set_up(void **state)
{
	struct scene *scene = xcalloc(1, sizeof(*scene));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	FILE *image;
	int i;

	*state = scene;
	snprintf(scene->root, sizeof(scene->root), "/tmp/aboard-example.XXXXXX");
	if (!mkdtemp(scene->root) || setenv("ABOARD_HOME", scene->root, 1) < 0)
		return -1;
	snprintf(scene->image, sizeof(scene->image), "%s/os.img", scene->root);
	snprintf(scene->socket, sizeof(scene->socket), "%s/port", scene->root);
	image = fopen(scene->image, "w");
	for (i = 0; i < IMAGE_SIZE; i++)
		fputc(i * 7 % 251, image);
	fclose(image);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", scene->socket);
	scene->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(scene->listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
			       listen(scene->listen_fd, 1) < 0
		       ? -1
		       : 0;
}

static int tear_down(void **state)
{
	_cleanup_(freep) struct scene *scene = *state;
	struct err err;

	unsetenv("ABOARD_HOME");
	close(scene->listen_fd);
	if (scene->loader > 0)
		waitpid(scene->loader, NULL, 0);
	return path_remove_tree(scene->root, &err);
}

/* The board. One whose medium is worn keeps all but one bit. */
static void be_loader(int listen_fd, bool worn)
{
	static uint8_t medium[IMAGE_SIZE];
	_cleanup_(digest_freep) struct digest *digest = digest_new();
	FILE *port = fdopen(accept(listen_fd, NULL, NULL), "r+");
	char line[64], text[129];
	size_t size;

	while (port && fgets(line, sizeof(line), port)) {
		size = strtoul(strchr(line, ' '), NULL, 10);
		size = size < sizeof(medium) ? size : sizeof(medium);
		if (text_starts(line, "SUM")) {
			digest_add(digest, medium, size);
			digest_text(digest, text);
			fprintf(port, "%.64s", text);
		} else {
			size = fread(medium, 1, size, port);
			medium[size / 2] ^= worn ? 1 : 0;
		}
		fflush(port);
	}
	if (port)
		fclose(port);
}

static int flash(struct scene *scene, bool worn, struct err *err)
{
	_cleanup_(freep) char *text =
		xasprintf("name: one\ndriver: loader\nserial: unix:%s\n", scene->socket);
	struct request_item item = {.file = scene->image};
	struct request request = {.verb = "flash", .items = &item, .item_count = 1};
	struct job_settings settings = {.cancel_fd = -1};
	struct boards boards;
	int rc;

	scene->loader = fork();
	if (scene->loader == 0) {
		be_loader(scene->listen_fd, worn);
		_exit(0);
	}
	assert_int_equal(
		boards_load_text(&boards, "test.yaml", text, strlen(text), example_drivers, err),
		0);
	rc = job_run(&boards.items[0], &request, &settings, err);
	boards_free(&boards);
	return rc;
}

static void test_proven(void **state)
{
	struct err err = {0};

	assert_int_equal(flash(*state, false, &err), 0);
}

static void test_a_worn_medium(void **state)
{
	struct err err = {0};

	assert_int_equal(flash(*state, true, &err), -ERR_VERIFY);
	assert_non_null(strstr(err.text, "it reads back as"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_proven, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_worn_medium, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
