// SPDX-License-Identifier: MIT
/* Streams against socat and ser2net. */
#include "rig/stream_rig.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"

/* A port that nobody had a moment ago. */
static unsigned int free_port(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(name);

	assert_int_equal(bind(fd, (const struct sockaddr *)&name, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	return ntohs(name.sin_port);
}

static void end_program(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(-*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
}

static pid_t start(const char *const *argv)
{
	struct err err;
	pid_t pid;

	if (process_start(argv, NULL, &pid, &err) < 0)
		fail_msg("%s", err.text);
	return pid;
}

/* Until the program that was just started is ready, it cannot be opened. */
static int open_soon(struct stream **stream, const char *address, unsigned int baud,
		     struct err *err)
{
	struct stream_settings settings = {.baud = baud};
	struct deadline deadline = WAIT;
	int rc;

	for (;;) {
		rc = stream_open(stream, address, &settings, deadline, err);
		if (rc == 0 || !(strstr(err->text, "cannot connect") ||
				 strstr(err->text, "no such") || strstr(err->text, "nobody")))
			return rc;
		if (deadline_pause(10, deadline, NULL) < 0)
			return rc;
	}
}

static struct stream *must_open_soon(const char *address)
{
	struct stream *stream;
	struct err err;

	if (open_soon(&stream, address, 115200, &err) < 0)
		fail_msg("%s", err.text);
	return stream;
}

static void socat_tcp(void **state)
{
	unsigned int port = free_port();
	_cleanup_(freep) char *listen = xasprintf("TCP-LISTEN:%u,bind=127.0.0.1", port);
	_cleanup_(freep) char *address = xasprintf("socket://127.0.0.1:%u", port);
	_cleanup_(end_program) pid_t pid =
		start((const char *const[]){"socat", listen, "PIPE", NULL});
	_cleanup_(stream_closep) struct stream *stream = must_open_soon(address);

	(void)state, (void)pid;
	must_pass(stream, stream);
}

static void socat_unix(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "socket");
	_cleanup_(freep) char *listen = xasprintf("UNIX-LISTEN:%s", path);
	_cleanup_(freep) char *address = xasprintf("unix:%s", path);
	_cleanup_(end_program) pid_t pid =
		start((const char *const[]){"socat", listen, "PIPE", NULL});
	_cleanup_(stream_closep) struct stream *stream = must_open_soon(address);

	(void)pid;
	must_pass(stream, stream);
}

/* We are the server; socat comes twice. */
static void socat_calls(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "socket");
	_cleanup_(freep) char *connect = xasprintf("UNIX-CONNECT:%s", path);
	_cleanup_(freep) char *address = xasprintf("unix:%s?listen", path);
	_cleanup_(stream_closep) struct stream *stream = open_stream(address);
	int i;

	for (i = 0; i < 2; i++) {
		_cleanup_(end_program) pid_t pid =
			start((const char *const[]){"socat", connect, "PIPE", NULL});

		(void)pid;
		must_pass(stream, stream);
	}
}

/* A pseudo terminal that socat made is a serial port; a second opener is told who has it. */
static void socat_serial(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "tty");
	_cleanup_(freep) char *pty = xasprintf("PTY,link=%s,rawer", path);
	_cleanup_(end_program) pid_t pid = start((const char *const[]){"socat", pty, "PIPE", NULL});
	_cleanup_(end_program) pid_t other = 0;
	_cleanup_(stream_closep) struct stream *stream = must_open_soon(path), *second = NULL;
	_cleanup_(freep) char *locked = xasprintf("OPEN:%s,flock-ex-nb,rawer", path);
	char byte;
	struct err err;

	(void)pid;
	must_pass(stream, stream);
	stream_close(steal(stream));
	/* socat has it open and locked when its first byte has come back. */
	{
		_cleanup_(freep) char *link = path_join(*state, "control");
		_cleanup_(freep) char *control = xasprintf("UNIX-LISTEN:%s", link);
		_cleanup_(freep) char *address = xasprintf("unix:%s", link);

		other = start((const char *const[]){"socat", control, locked, NULL});
		stream = must_open_soon(address);
		must_write(stream, "x", 1);
		must_read(stream, &byte, 1);
	}
	assert_int_equal(stream_open(&second, path, NULL, WAIT, &err), -ERR_BUSY);
	assert_non_null(strstr(err.text, "socat (process"));
}

struct server {
	pid_t pid;
	char *address;
	struct stream *board; /* the far end of the port */
	char *path;
};

static void server_end(struct server *server)
{
	end_program(&server->pid);
	stream_closep(&server->board);
	freep(&server->address);
	freep(&server->path);
}

static void server_start(struct server *server, const char *folder, const char *telnet)
{
	_cleanup_(freep) char *config = path_join(folder, "ser2net.yaml");
	_cleanup_(freep) char *pty = NULL, *text = NULL;
	unsigned int port = free_port();
	struct err err;

	server->path = path_join(folder, "tty");
	pty = xasprintf("pty:%s", server->path);
	server->board = open_stream(pty);
	server->address = xasprintf("rfc2217://127.0.0.1:%u", port);
	text = xasprintf("%%YAML 1.1\n---\nconnection: &board\n"
			 "  accepter: %s,tcp,127.0.0.1,%u\n"
			 "  connector: serialdev,%s,9600n81,local\n"
			 "  options:\n    kickolduser: true\n",
			 telnet, port, server->path);
	assert_int_equal(path_write(config, text, strlen(text), 0600, &err), 0);
	server->pid = start((const char *const[]){"ser2net", "-d", "-u", "-c", config, NULL});
}

static struct termios2 mode_of(const char *path)
{
	_cleanup_(closep) int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios2 mode = {0};

	assert_int_equal(ioctl(fd, TCGETS2, &mode), 0);
	return mode;
}

static void rfc2217(void **state)
{
	_cleanup_(server_end) struct server server = {0};
	_cleanup_(stream_closep) struct stream *stream = NULL;
	struct termios2 mode;
	struct err err;

	server_start(&server, *state, "telnet(rfc2217)");
	if (open_soon(&stream, server.address, 57600, &err) < 0)
		fail_msg("%s", err.text);
	mode = mode_of(server.path);
	assert_int_equal(mode.c_ospeed, 57600);
	assert_int_equal(mode.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS), CS8);
	must_pass(stream, server.board);
	must_pass(server.board, stream);
	assert_int_equal(stream->ops->lines->set_baud(stream, 19200, &err), 0);
	assert_int_equal(mode_of(server.path).c_ospeed, 19200);
	/* A pseudo terminal has no such lines, so nothing is seen but that we go on. */
	assert_int_equal(stream->ops->lines->set_dtr(stream, false, &err), 0);
	assert_int_equal(stream->ops->lines->set_rts(stream, true, &err), 0);
	assert_int_equal(stream->ops->lines->send_break(stream, &err), 0);
	must_pass(stream, server.board);
	must_pass(server.board, stream);
}

static void no_com_port(const char *address)
{
	_cleanup_(stream_closep) struct stream *stream = NULL;
	struct err err;

	assert_int_equal(open_soon(&stream, address, 115200, &err), -ERR_NETWORK);
	assert_non_null(strstr(err.text, "RFC 2217"));
	assert_non_null(strstr(err.remedy, "socket://"));
}

static void telnet_only(void **state)
{
	_cleanup_(server_end) struct server server = {0};

	server_start(&server, *state, "telnet");
	no_com_port(server.address);
}

/* What is no telnet at all, and gives our own words back. */
static void no_telnet(void **state)
{
	unsigned int port = free_port();
	_cleanup_(freep) char *listen = xasprintf("TCP-LISTEN:%u,bind=127.0.0.1", port);
	_cleanup_(freep) char *address = xasprintf("rfc2217://127.0.0.1:%u", port);
	_cleanup_(end_program) pid_t pid =
		start((const char *const[]){"socat", listen, "PIPE", NULL});

	(void)state, (void)pid;
	no_com_port(address);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(socat_tcp), TEST(socat_unix),  TEST(socat_calls), TEST(socat_serial),
		TEST(rfc2217),   TEST(telnet_only), TEST(no_telnet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
