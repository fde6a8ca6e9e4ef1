// SPDX-License-Identifier: MIT
#include "image_inputs.h"

#include "image/readahead.h"

/* Gives `size` bytes in bites, then an error or the end; counts. */
struct counting {
	struct reader reader;
	size_t size, given, bite;
	bool fails;
	size_t *count; /* of the bytes given, for after it is closed */
	int *closed;
};

static int counting_read(struct reader *reader, void *data, size_t size, size_t *got,
			 struct err *err)
{
	struct counting *counting = container_of(reader, struct counting, reader);
	size_t left = counting->size - counting->given;

	*got = left < size ? left : size;
	if (*got > counting->bite)
		*got = counting->bite;
	memset(data, 'x', *got);
	counting->given += *got;
	*counting->count = counting->given;
	if (*got > 0 || !counting->fails)
		return 0;
	err_set(err, ERR_NETWORK, "the connection broke");
	return err_remedy(err, "mend it");
}

static void counting_close(struct reader *reader)
{
	struct counting *counting = container_of(reader, struct counting, reader);

	++*counting->closed;
	free(counting);
}

static struct reader *counting_new(size_t size, size_t bite, bool fails, size_t *count, int *closed)
{
	struct counting *counting = xcalloc(1, sizeof(*counting));

	*counting = (struct counting){
		{counting_read, counting_close}, size, 0, bite, fails, count, closed};
	*closed = 0;
	*count = 0;
	return &counting->reader;
}

static void whole(void **state)
{
	static const size_t sizes[] = {0, 1, 99, 100, 101, 400, 100000};
	struct err err = {0};
	size_t i, bite, count;
	int closed;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (bite = 1; bite < 300; bite += 49) {
			_cleanup_(buf_free) struct buf out = {0};
			struct reader *queue = readahead_new(
				counting_new(sizes[i], bite, false, &count, &closed), 100, 3);

			assert_int_equal(readahead_start(queue, &err), 0);
			assert_int_equal(drain(queue, &out, &err), 0);
			assert_int_equal(out.size, sizes[i]);
			assert_int_equal(closed, 1);
		}
	}
}

/* What came before an error is given; then the error, with all its words. */
static void error_behind_bytes(void **state)
{
	_cleanup_(buf_free) struct buf out = {0};
	struct err err = {0};
	struct reader *queue;
	size_t count;
	int closed;

	(void)state;
	queue = readahead_new(counting_new(250, 70, true, &count, &closed), 100, 3);
	assert_int_equal(readahead_start(queue, &err), 0);
	assert_int_equal(drain(queue, &out, &err), -ERR_NETWORK);
	assert_int_equal(out.size, 250);
	assert_string_equal(err.text, "the connection broke");
	assert_string_equal(err.remedy, "mend it");
}

/* However slow the consumer, no more than the chunks are read ahead; closing ends a thread that
   waits for room. */
static void bounded(void **state)
{
	_cleanup_(freep) char *bytes = xmalloc(5000);
	struct err err = {0};
	size_t taken, count, got;
	int closed;

	(void)state;
	for (taken = 0; taken < 5000; taken += 333) {
		struct reader *queue =
			readahead_new(counting_new(1000000, 1000, false, &count, &closed), 100, 3);

		assert_int_equal(readahead_start(queue, &err), 0);
		if (taken > 0)
			assert_int_equal(reader_fill(queue, bytes, taken, &got, &err), 0);
		queue->close(queue);
		assert_int_equal(closed, 1);
		assert_true(count >= taken);
		assert_true(count <= taken + 3 * 100);
	}
}

/* Not started, it reads nothing ahead. */
static void before_start(void **state)
{
	size_t count = 0, got;
	char bytes[10];
	int closed;
	struct err err = {0};
	_cleanup_(reader_closep) struct reader *queue =
		readahead_new(counting_new(1000, 1000, false, &count, &closed), 100, 3);

	(void)state;
	assert_int_equal(queue->read(queue, bytes, sizeof(bytes), &got, &err), 0);
	assert_int_equal(got, 10);
	assert_int_equal(count, 10);
	assert_int_equal(readahead_start(queue, &err), 0);
	assert_int_equal(queue->read(queue, bytes, sizeof(bytes), &got, &err), 0);
	assert_int_equal(got, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(error_behind_bytes),
		cmocka_unit_test(bounded),
		cmocka_unit_test(before_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
