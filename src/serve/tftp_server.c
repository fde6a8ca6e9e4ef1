// SPDX-License-Identifier: MIT
#include "serve/tftp_server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "serve/address.h"
#include "serve/tftp_internal.h"

static int bind_refused(const char *address, uint16_t port, struct err *err)
{
	int reason = errno;

	err_errno(err, ERR_HOST, "binding UDP port %u of %s for TFTP", port, address);
	if (reason == EACCES || reason == EPERM)
		return err_remedy(err,
				  "ports below 1024 need a privilege: run `setcap "
				  "cap_net_bind_service+ep` on the aboard program, or set the "
				  "sysctl net.ipv4.ip_unprivileged_port_start=%u, or give "
				  "`network: tftp_port` in the board file, for boards whose U-Boot "
				  "honours tftpdstp",
				  port);
	if (reason == EADDRINUSE)
		return err_remedy(err,
				  "another TFTP server (tftpd-hpa, dnsmasq, atftpd) or another "
				  "aboard job holds it; `ss -ulpn sport = :%u` shows which. Stop "
				  "it, or use another address or port",
				  port);
	if (reason == EADDRNOTAVAIL)
		return err_remedy(err,
				  "no interface of this machine has the address %s: see `ip "
				  "address`",
				  address);
	return -ERR_HOST;
}

/* No SO_REUSEADDR: a UDP port is free the moment its owner is gone, however it went, and with it
   two servers would share the port without either knowing. */
int tftp_bind(const char *address, uint16_t port, int *fd, struct err *err)
{
	_cleanup_(closep) int made = -1;
	struct serve_address local;
	int rc;

	rc = serve_socket(address, port, SOCK_DGRAM, &local, &made, err);
	if (rc < 0)
		return rc;
	if (bind(made, (struct sockaddr *)&local.socket, local.size) < 0)
		return bind_refused(address, port, err);
	*fd = steal_fd(&made);
	return 0;
}

int tftp_server_can_bind(const char *address, uint16_t port, struct err *err)
{
	_cleanup_(closep) int fd = -1;

	return tftp_bind(address, port, &fd, err);
}

static void server_free(struct tftp_server *server)
{
	struct tftp_file *file;

	while ((file = server->files)) {
		server->files = file->next;
		tftp_file_free(file);
	}
	closep(&server->listen_fd);
	closep(&server->stop_fd);
	pthread_mutex_destroy(&server->lock);
	free(server->scratch);
	free(server);
}

static void server_freep(struct tftp_server **server)
{
	if (*server)
		server_free(*server);
}

static unsigned int window_of(const struct tftp_settings *settings)
{
	if (!settings->window)
		return TFTP_WINDOW_DEFAULT;
	return settings->window < TFTP_WINDOW_MAX ? settings->window : TFTP_WINDOW_MAX;
}

static int start_thread(struct tftp_server *server, struct err *err)
{
	sigset_t before;
	int rc;

	serve_block_signals(&before);
	rc = pthread_create(&server->thread, NULL, tftp_thread, server);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_set(err, ERR_HOST, "starting the TFTP thread: %s", strerror(rc));
	return 0;
}

int tftp_server_start(struct tftp_server **server, const struct tftp_settings *settings,
		      struct err *err)
{
	_cleanup_(server_freep) struct tftp_server *made = xcalloc(1, sizeof(*made));
	int rc;

	made->listen_fd = -1;
	made->stop_fd = -1;
	made->window = window_of(settings);
	made->send_filter = settings->send_filter;
	made->filter_context = settings->filter_context;
	made->scratch = xmalloc(TFTP_DATAGRAM_MAX);
	pthread_mutex_init(&made->lock, NULL);
	made->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (made->stop_fd < 0)
		return err_errno(err, ERR_HOST, "making an eventfd");
	rc = tftp_bind(settings->address, settings->port, &made->listen_fd, err);
	if (rc == 0)
		rc = start_thread(made, err);
	if (rc < 0)
		return rc;
	*server = steal(made);
	return 0;
}

uint16_t tftp_server_port(const struct tftp_server *server)
{
	return serve_port(server->listen_fd);
}

void tftp_server_stop(struct tftp_server *server)
{
	if (!server)
		return;
	eventfd_write(server->stop_fd, 1);
	pthread_join(server->thread, NULL);
	server_free(server);
}
