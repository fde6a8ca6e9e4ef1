// SPDX-License-Identifier: MIT
#include "rig/stream_rig.h"

#include <arpa/inet.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "io/words.h"

static void word_lists(void **state)
{
	static const struct {
		const char *text, *words[4];
	} rows[] = {
		{"cu -l /dev/x", {"cu", "-l", "/dev/x"}},
		{"  a\t b  ", {"a", "b"}},
		{"a 'b c' \"d e\"", {"a", "b c", "d e"}},
		{"a'b'\"c\"d", {"abcd"}},
		{"a\\ b \\'", {"a b", "'"}},
		{"\"a\\\"\\\\\\$\\n\" '\\'", {"a\"\\$\\n", "\\"}},
		{"a '' \"\"", {"a", "", ""}},
		{"a | b", {"a", "|", "b"}},
		{"a\\", {"a\\"}},
	};
	static const char *const bad[] = {"", "  ", "'a", "a \"b", "\"\\\""};
	struct err err;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(words_free) char **words = NULL;

		assert_int_equal(words_split(rows[i].text, &words, &err), 0);
		for (j = 0; j < 3 && rows[i].words[j]; j++)
			assert_string_equal(words[j], rows[i].words[j]);
		assert_null(words[j]);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(words_free) char **words = NULL;

		assert_int_equal(words_split(bad[i], &words, &err), -ERR_CONFIG);
	}
}

static void addresses(void **state)
{
	static const struct {
		const char *address;
		bool good;
	} rows[] = {
		{"/dev/ttyUSB0", true},
		{"./tty", true},
		{"socket://localhost:23", true},
		{"socket://[::1]:23", true},
		{"rfc2217://10.0.0.1:4000", true},
		{"unix:/run/x", true},
		{"unix:x?listen", true},
		{"pty:/tmp/x", true},
		{"exec:ssh host", true},
		{"ttyUSB0", false},
		{"", false},
		{"socket://localhost", false},
		{"socket://localhost:", false},
		{"socket://localhost:0", false},
		{"socket://localhost:65536", false},
		{"socket://localhost:0x17", false},
		{"socket://:23", false},
		{"socket://::1:23", false},
		{"socket://[::1:23", false},
		{"socket://[]:23", false},
		{"rfc2217://x", false},
		{"unix:", false},
		{"unix:?listen", false},
		{"pty:", false},
		{"exec:", false},
		{"exec:'x", false},
		{"http://x", false},
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(stream_check(rows[i].address, &err),
				 rows[i].good ? 0 : -ERR_CONFIG);
}

static void fails(const char *address, enum err_kind kind, const char *says)
{
	struct stream *stream;
	struct err err;

	assert_int_equal(stream_open(&stream, address, NULL, WAIT, &err), -(int)kind);
	assert_null(stream);
	if (!strstr(err.text, says))
		fail_msg("'%s' does not say '%s'", err.text, says);
}

/* What pseudo terminals and serial ports share: raw bytes both ways, and one owner. */
static void serial(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "tty"), *pty = xasprintf("pty:%s", path);
	_cleanup_(stream_closep) struct stream *board = open_stream(pty);
	_cleanup_(stream_closep) struct stream *host = open_stream(path);
	struct stat gone;

	must_pass(host, board);
	must_pass(board, host);
	fails(path, ERR_BUSY, "another program has this port");
	fails(pty, ERR_BUSY, "another program has its pseudo terminal");
	assert_non_null(host->ops->lines);
	stream_close(steal(host));
	host = open_stream(path);
	must_pass(host, board);
	stream_close(steal(board));
	assert_int_equal(lstat(path, &gone), -1);
}

static void serial_settings(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "tty"), *pty = xasprintf("pty:%s", path);
	_cleanup_(stream_closep) struct stream *board = open_stream(pty);
	_cleanup_(stream_closep) struct stream *host = NULL;
	struct stream_settings settings = {.baud = 1843200}; /* not of the B... constants */
	struct termios2 mode;
	struct err err;
	int fd;

	assert_non_null(board);
	assert_int_equal(stream_open(&host, path, &settings, WAIT, &err), 0);
	fd = host->ops->poll_fd(host);
	assert_int_equal(ioctl(fd, TCGETS2, &mode), 0);
	assert_int_equal(mode.c_ospeed, 1843200);
	assert_int_equal(mode.c_cflag & (CSIZE | CREAD | CLOCAL), CS8 | CREAD | CLOCAL);
	assert_int_equal(mode.c_cflag & (PARENB | CSTOPB | CRTSCTS | HUPCL), 0);
	assert_int_equal(mode.c_iflag | mode.c_oflag | mode.c_lflag, 0);
	assert_int_equal(host->ops->lines->set_baud(host, 57600, &err), 0);
	assert_int_equal(ioctl(fd, TCGETS2, &mode), 0);
	assert_int_equal(mode.c_ospeed, 57600);
}

static void serial_errors(void **state)
{
	_cleanup_(freep) char *missing = path_join(*state, "missing");
	_cleanup_(freep) char *file = path_join(*state, "file");
	struct err err;

	fails(missing, ERR_NOT_FOUND, "no such serial port");
	assert_int_equal(path_write(file, "", 0, 0600, &err), 0);
	fails(file, ERR_CONFIG, "no character device");
	fails("/dev/null", ERR_CONFIG, "no serial port");
}

/* As somebody who is not root; the child tells by its exit status. */
static void serial_permission(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "tty"), *pty = xasprintf("pty:%s", path);
	_cleanup_(stream_closep) struct stream *board = open_stream(pty);
	struct stream *host;
	struct err err;
	int status;
	pid_t pid;

	assert_non_null(board);
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(*state, 0755), 0);
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(1);
		_exit(stream_open(&host, path, NULL, WAIT, &err) == -ERR_HOST &&
				      strstr(err.remedy, "dialout")
			      ? 0
			      : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int listen_on(const struct sockaddr *name, socklen_t size)
{
	int fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, name, size), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

/* "socket://HOST:PORT" of a listening socket; owned by the caller. */
static char *address_of(int fd, const char *host)
{
	struct sockaddr_in6 name = {0};
	socklen_t size = sizeof(name);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	return xasprintf("socket://%s:%d", host, ntohs(name.sin6_port));
}

static void tcp_pass(const struct sockaddr *name, socklen_t size, const char *host)
{
	_cleanup_(closep) int listener = listen_on(name, size), peer = -1;
	_cleanup_(freep) char *address = address_of(listener, host);
	_cleanup_(stream_closep) struct stream *stream = open_stream(address);
	struct err err;
	char byte;
	size_t got;

	peer = accept(listener, NULL, NULL);
	must_write(stream, "to", 2);
	assert_int_equal(read(peer, &byte, 1), 1);
	assert_int_equal(write(peer, "from", 4), 4);
	must_read(stream, &byte, 1);
	assert_int_equal(byte, 'f');
	assert_null(stream->ops->lines);
	/* The end of a stream is no error of read(), and writing does not raise SIGPIPE. */
	closep(&peer);
	do {
		assert_int_equal(stream_read(stream, &byte, 1, &got, WAIT, &err), 0);
	} while (got);
	while (stream_write(stream, "x", 1, WAIT, &err) == 0)
		;
	assert_int_equal(err.kind, ERR_CONSOLE);
}

static void tcp(void **state)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	(void)state;
	tcp_pass((const struct sockaddr *)&v4, sizeof(v4), "127.0.0.1");
	tcp_pass((const struct sockaddr *)&v4, sizeof(v4), "localhost");
	if (access("/proc/net/if_inet6", R_OK) == 0)
		tcp_pass((const struct sockaddr *)&v6, sizeof(v6), "[::1]");
}

static void tcp_errors(void **state)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int listener = listen_on((const struct sockaddr *)&v4, sizeof(v4));
	_cleanup_(freep) char *address = address_of(listener, "127.0.0.1");

	(void)state;
	close(listener);
	fails(address, ERR_NETWORK, "cannot connect");
}

/* A wait ends with its deadline and, before that, with the cancel descriptor. */
static void waits_end(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "tty"), *pty = xasprintf("pty:%s", path);
	_cleanup_(stream_closep) struct stream *board = open_stream(pty);
	struct err err;
	int cancel[2];
	char byte;
	size_t got;

	assert_int_equal(stream_read(board, &byte, 1, &got, deadline_in(DEADLINE_NEVER, 20), &err),
			 -ERR_TIMEOUT);
	assert_int_equal(pipe(cancel), 0);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	assert_int_equal(
		stream_read(board, &byte, 1, &got, deadline_of_cancel(cancel[0], 20000), &err),
		-ERR_CANCELLED);
	close(cancel[0]);
	close(cancel[1]);
}

/* A peer that does not read stops a large write; what it reads late arrives whole. */
static void partial_writes(void **state)
{
	_cleanup_(stream_closep) struct stream *cat = open_stream("exec:cat");
	size_t size = (size_t)1 << 20, got, all = 0;
	_cleanup_(freep) char *data = xmalloc(size);
	struct err err;
	pid_t pid;

	(void)state;
	memset(data, 'x', size);
	assert_int_equal(stream_write(cat, data, size, deadline_in(DEADLINE_NEVER, 50), &err),
			 -ERR_TIMEOUT);
	stream_close(steal(cat));
	cat = open_stream("exec:cat");
	pid = fork();
	if (pid == 0)
		_exit(stream_write(cat, data, size, WAIT, &err) == 0 ? 0 : 1);
	while (all < size && stream_read(cat, data, size, &got, WAIT, &err) == 0 && got)
		all += got;
	assert_int_equal(all, size);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int call_unix(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(name.sun_path, path, strlen(path));
	assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

static void unix_peers_come_and_go(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "socket");
	_cleanup_(freep) char *listening = xasprintf("unix:%s?listen", path);
	_cleanup_(freep) char *calling = xasprintf("unix:%s", path);
	_cleanup_(stream_closep) struct stream *stream = open_stream(listening);
	struct stat is;
	struct err err;
	char bytes[4];
	size_t got;
	int peer, i;

	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 0777, 0600);
	assert_int_equal(stream_write(stream, "x", 1, deadline_in(DEADLINE_NEVER, 20), &err),
			 -ERR_TIMEOUT);
	for (i = 0; i < 3; i++) {
		peer = call_unix(path);
		must_write(stream, "down", 4);
		assert_int_equal(read(peer, bytes, 4), 4);
		assert_int_equal(write(peer, "up", 2), 2);
		must_read(stream, bytes, 2);
		close(peer);
		/* A peer that has left is no end of stream. */
		assert_int_equal(
			stream_read(stream, bytes, 1, &got, deadline_in(DEADLINE_NEVER, 20), &err),
			-ERR_TIMEOUT);
	}
	fails(listening, ERR_BUSY, "another program listens");
	{
		_cleanup_(stream_closep) struct stream *caller = open_stream(calling);

		must_pass(caller, stream);
		must_pass(stream, caller);
	}
	stream_close(steal(stream));
	assert_int_equal(stat(path, &is), -1);
	fails(calling, ERR_NOT_FOUND, "no such socket");
}

/* Owners that are killed leave sockets and links behind; the next one starts all the same. */
static void after_a_kill(void **state)
{
	const char *folder = *state;
	char *addresses[] = {xasprintf("unix:%s/left?listen", folder),
			     xasprintf("pty:%s/left-tty", folder)};
	struct stream *stream;
	struct err err;
	size_t i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		_cleanup_(freep) char *address = addresses[i];

		pid = fork();
		if (pid == 0) {
			if (stream_open(&stream, address, NULL, WAIT, &err) == 0)
				raise(SIGKILL);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		stream_close(open_stream(address));
	}
}

static void no_socket_is_replaced(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "file");
	_cleanup_(freep) char *listening = xasprintf("unix:%s?listen", path);
	_cleanup_(freep) char *pty = xasprintf("pty:%s", path);
	struct err err;

	assert_int_equal(path_write(path, "x", 1, 0600, &err), 0);
	fails(listening, ERR_CONFIG, "no socket");
	fails(pty, ERR_CONFIG, "no link");
	fails("unix:/tmp/0123456789012345678901234567890123456789012345678901234567890123456789"
	      "0123456789012345678901234567890123456789",
	      ERR_CONFIG, "longer");
}

static void programs(void **state)
{
	_cleanup_(stream_closep) struct stream *cat = open_stream("exec:cat -u");
	_cleanup_(stream_closep) struct stream *sh =
		open_stream("exec:sh -c 'echo $$; echo \"to  stderr\" >&2; exec sleep 1000'");
	char line[64] = "";
	uint64_t pid;
	size_t i;

	(void)state;
	must_pass(cat, cat);
	for (i = 0; i == 0 || line[i - 1] != '\n'; i++)
		must_read(sh, line + i, 1);
	line[i - 1] = '\0';
	assert_true(text_u64(line, INT32_MAX, &pid));
	must_read(sh, line, 11);
	assert_memory_equal(line, "to  stderr\n", 11);
	assert_int_equal(kill((pid_t)pid, 0), 0);
	stream_close(steal(sh));
	assert_int_equal(kill((pid_t)pid, 0), -1);
	fails("exec:/nonexistent/program x", ERR_HOST, "cannot run");
}

/* A program that ends on nothing but SIGKILL does not hold us up for ever. */
static void stubborn_program(void **state)
{
	_cleanup_(stream_closep) struct stream *sh = open_stream(
		"exec:sh -c 'trap \"\" TERM HUP; echo x; while :; do sleep 1000; done'");
	char bytes[2];
	int64_t start;

	(void)state;
	must_read(sh, bytes, 2);
	start = clock_ms();
	stream_close(steal(sh));
	assert_true(clock_ms() - start < 10000);
}

static void trace(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "log");
	_cleanup_(stream_closep) struct stream *traced = NULL, *cat = open_stream("exec:cat");
	_cleanup_(buf_free) struct buf log = {0};
	struct err err;
	char bytes[5];

	assert_int_equal(stream_trace(&traced, cat, "/nonexistent/log", &err), -ERR_HOST);
	assert_int_equal(stream_trace(&traced, cat, path, &err), 0);
	steal(cat);
	must_write(traced, "a\r\n\x1b\\", 5);
	must_read(traced, bytes, 5);
	assert_null(traced->ops->lines);
	stream_close(steal(traced));
	assert_int_equal(path_read(path, 1000, &log, &err), 0);
	assert_non_null(strstr(log.data, " > a\\r\\n\\x1b\\\\\n"));
	assert_non_null(strstr(log.data, " < a\\r\\n\\x1b\\\\\n"));
}

static struct stream *faulty_cat(enum stream_fault_kind kind, uint64_t after)
{
	return stream_fault(open_stream("exec:cat"),
			    (struct stream_fault){.kind = kind, .after = after});
}

static void faults(void **state)
{
	_cleanup_(stream_closep) struct stream *cut = faulty_cat(FAULT_CUT, 6);
	_cleanup_(stream_closep) struct stream *stall = faulty_cat(FAULT_STALL, 6);
	_cleanup_(stream_closep) struct stream *drop = faulty_cat(FAULT_DROP, 2);
	_cleanup_(stream_closep) struct stream *some = faulty_cat(FAULT_SHORT, 4);
	_cleanup_(stream_closep) struct stream *garbage = faulty_cat(FAULT_GARBAGE, 4);
	struct deadline soon = deadline_in(DEADLINE_NEVER, 50);
	char bytes[64];
	struct err err;
	size_t got;

	(void)state;
	must_write(cut, "abcd", 4);
	must_read(cut, bytes, 2);
	assert_int_equal(stream_read(cut, bytes, 4, &got, WAIT, &err), 0);
	assert_int_equal(got, 0);
	assert_int_equal(stream_write(cut, "x", 1, WAIT, &err), -ERR_CONSOLE);

	must_write(stall, "abcd", 4);
	must_read(stall, bytes, 2);
	assert_int_equal(stream_read(stall, bytes, 4, &got, soon, &err), -ERR_TIMEOUT);

	must_write(drop, "abcd", 4);
	must_read(drop, bytes, 3);
	assert_memory_equal(bytes, "abd", 3);

	must_write(some, "abcd", 4);
	assert_int_equal(stream_read(some, bytes, 4, &got, WAIT, &err), 0);
	assert_int_equal(got, 1);

	must_write(garbage, "abcd", 4);
	assert_int_equal(stream_read(garbage, bytes, sizeof(bytes), &got, WAIT, &err), 0);
	assert_int_equal(got, 16 + 4);
	assert_memory_equal(bytes + 16, "abcd", 4);
	must_write(garbage, "e", 1);
	must_read(garbage, bytes, 1);
	assert_int_equal(bytes[0], 'e');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(word_lists),    TEST(addresses),
		TEST(serial),        TEST(serial_settings),
		TEST(serial_errors), TEST(serial_permission),
		TEST(tcp),           TEST(tcp_errors),
		TEST(waits_end),     TEST(partial_writes),
		TEST(after_a_kill),  TEST(unix_peers_come_and_go),
		TEST(programs),      TEST(no_socket_is_replaced),
		TEST(trace),         TEST(stubborn_program),
		TEST(faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
