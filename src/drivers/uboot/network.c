// SPDX-License-Identifier: MIT
/* The network as U-Boot has it: address by DHCP or from the board file, our own address towards it,
 * our servers. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/uboot/uboot.h"
#include "proto/uboot.h"

const char *uboot_host_text(const struct uboot *uboot, char out[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &uboot->host_address, out, INET_ADDRSTRLEN);
}

/* The local address that the kernel would use towards `to`. No packet is sent. */
static int route_towards(struct in_addr to, struct in_addr *from, struct err *err)
{
	struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = to};
	struct sockaddr_in here = {0};
	socklen_t size = sizeof(here);
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&there, sizeof(there)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&here, &size) < 0) {
		err_errno(err, ERR_HOST, "no route from this host to the board's address");
		return err_remedy(err, "give 'host_address' under 'network' in the board file");
	}
	*from = here.sin_addr;
	return 0;
}

static bool is_static(const struct job *job)
{
	return text_equal(yaml_text(job->board->network, "mode", "dhcp"), "static");
}

static void read_address(const struct yaml *network, const char *key, struct in_addr *address)
{
	const char *text = yaml_text(network, key, NULL);

	if (text && inet_pton(AF_INET, text, address) != 1)
		address->s_addr = 0;
}

/* The form of the addresses was checked when the board file was loaded. */
int uboot_read_network(struct job *job, struct err *err)
{
	struct uboot *uboot = uboot_of(job);
	const struct yaml *network = job->board->network;

	read_address(network, "address", &uboot->board_address);
	read_address(network, "netmask", &uboot->netmask);
	read_address(network, "gateway", &uboot->gateway);
	read_address(network, "host_address", &uboot->host_address);
	if (job->request->host_address &&
	    inet_pton(AF_INET, job->request->host_address, &uboot->host_address) != 1)
		return err_set(err, ERR_USAGE, "'%s' is no IPv4 address",
			       job->request->host_address);
	plan_fact(job->plan, "network", "board's address", "%s",
		  is_static(job) ? yaml_text(network, "address", "") : "by DHCP");
	if (!uboot->host_address.s_addr && is_static(job))
		return route_towards(uboot->board_address, &uboot->host_address, err);
	return 0;
}

static int read_env(struct job *job, struct deadline deadline, const char *name, struct buf *value,
		    struct err *err)
{
	_cleanup_(buf_free) struct buf output = {0};
	int status, rc;

	buf_clear(value);
	rc = board_try(job, SHELL_UBOOT, deadline, &output, &status, err, "printenv %s", name);
	if (rc == 0 && status == 0)
		uboot_env(buf_text(&output), name, value);
	return rc;
}

static int read_env_address(struct job *job, struct deadline deadline, const char *name,
			    struct in_addr *address, struct err *err)
{
	_cleanup_(buf_free) struct buf value = {0};
	int rc = read_env(job, deadline, name, &value, err);

	address->s_addr = 0;
	if (rc == 0 && value.size && inet_pton(AF_INET, text_trim(value.data), address) != 1)
		return err_set(err, ERR_BOARD, "U-Boot's %s is '%s', no IPv4 address", name,
			       buf_text(&value));
	return rc;
}

static int set_static(struct job *job, struct deadline deadline, struct err *err)
{
	const struct yaml *network = job->board->network;
	const char *gateway = yaml_text(network, "gateway", NULL);
	int rc;

	rc = board_cmd(job, SHELL_UBOOT, deadline, NULL, err, "setenv ipaddr %s; setenv netmask %s",
		       yaml_text(network, "address", ""), yaml_text(network, "netmask", ""));
	if (rc == 0 && gateway)
		rc = board_cmd(job, SHELL_UBOOT, deadline, NULL, err, "setenv gatewayip %s",
			       gateway);
	return rc;
}

#define DHCP_TRIES 3

static int run_dhcp(struct job *job, struct deadline deadline, struct err *err)
{
	struct deadline own;
	int attempt, status = -1, rc = 0;

	/* Without autoload=no, dhcp goes on to fetch whatever file the lease names. */
	rc = board_cmd(job, SHELL_UBOOT, deadline, NULL, err, "setenv autoload no");
	for (attempt = 0; rc == 0 && status != 0 && attempt < DHCP_TRIES; attempt++) {
		own = job_deadline(job, deadline, "dhcp");
		rc = console_run(job->console, SHELL_UBOOT, "dhcp", NULL, &status, own, err);
	}
	if (rc < 0)
		return err_prefix(err, "U-Boot command 'dhcp'");
	if (status == 0)
		return 0;
	err_set(err, ERR_BOARD, "U-Boot got no address by DHCP");
	return err_remedy(
		err,
		"check the cable and the DHCP server, or give a static address under 'network' "
		"in the board file");
}

static int get_address(struct job *job, struct deadline deadline, struct err *err)
{
	struct uboot *uboot = uboot_of(job);
	int rc = run_dhcp(job, deadline, err);

	if (rc == 0)
		rc = read_env_address(job, deadline, "ipaddr", &uboot->board_address, err);
	if (rc == 0)
		rc = read_env_address(job, deadline, "netmask", &uboot->netmask, err);
	if (rc == 0)
		rc = read_env_address(job, deadline, "gatewayip", &uboot->gateway, err);
	if (rc == 0 && !uboot->board_address.s_addr)
		rc = err_set(err, ERR_BOARD, "U-Boot has no ipaddr after DHCP");
	return rc;
}

/* A wrong guess of our own address shows here, not as a load that times out. */
static int ping_host(struct job *job, struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf output = {0};
	char host[INET_ADDRSTRLEN], board[INET_ADDRSTRLEN];
	struct uboot *uboot = uboot_of(job);
	int status, rc;

	uboot_host_text(uboot, host);
	inet_ntop(AF_INET, &uboot->board_address, board, sizeof(board));
	rc = board_try(job, SHELL_UBOOT, deadline, &output, &status, err, "ping %s", host);
	if (rc < 0 || status == 0 || uboot_is_unknown_command(buf_text(&output)))
		return rc;
	err_set(err, ERR_NETWORK, "the board (%s) cannot reach this host at %s", board, host);
	return err_remedy(
		err,
		"give the right address as 'host_address' under 'network' in the board file, or "
		"with --host-address");
}

static int remember_mac(struct job *job, struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf value = {0};
	struct uboot *uboot = uboot_of(job);
	int rc = read_env(job, deadline, "ethaddr", &value, err);

	if (rc == 0 && value.size == sizeof(uboot->board_mac) - 1)
		memcpy(uboot->board_mac, value.data, sizeof(uboot->board_mac));
	return rc;
}

int uboot_network(struct job *job, struct deadline deadline, struct err *err)
{
	const char *ethact = yaml_text(job->board->own, "ethact", NULL);
	struct uboot *uboot = uboot_of(job);
	bool known = uboot->host_address.s_addr != 0;
	int rc = 0;

	if (ethact)
		rc = board_cmd(job, SHELL_UBOOT, deadline, NULL, err, "setenv ethact %s", ethact);
	if (rc == 0)
		rc = is_static(job) ? set_static(job, deadline, err)
				    : get_address(job, deadline, err);
	if (rc == 0 && !known)
		rc = route_towards(uboot->board_address, &uboot->host_address, err);
	if (rc == 0)
		rc = ping_host(job, deadline, err);
	if (rc == 0)
		rc = remember_mac(job, deadline, err);
	return rc;
}

static int add_loads(struct uboot *uboot, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < uboot->load_count; i++)
		rc = tftp_server_add_file(uboot->tftp, uboot->loads[i].name, uboot->loads[i].path,
					  err);
	return rc;
}

/* A restart begins with fresh servers: our address towards the board may have changed. */
int uboot_serve(struct job *job, struct deadline deadline, struct err *err)
{
	struct uboot *uboot = uboot_of(job);
	char host[INET_ADDRSTRLEN];
	struct tftp_settings settings = {
		.address = uboot_host_text(uboot, host),
		.port = (uint16_t)yaml_uint(job->board->network, "tftp_port", 69),
	};
	uint16_t port = (uint16_t)yaml_uint(job->board->network, "http_port", 0);
	int rc = uboot_serve_end(job, deadline, err);

	if (rc == 0)
		rc = tftp_server_start(&uboot->tftp, &settings, err);
	if (rc == 0)
		rc = add_loads(uboot, err);
	if (rc == 0)
		rc = http_server_start(&uboot->http, host, port, err);
	random_token(16, uboot->probe);
	if (rc == 0)
		rc = http_server_add_data(uboot->http, "probe", uboot->probe, strlen(uboot->probe),
					  &uboot->probe_path, err);
	return rc;
}

int uboot_serve_end(struct job *job, struct deadline deadline, struct err *err)
{
	struct uboot *uboot = uboot_of(job);

	(void)deadline;
	(void)err;
	tftp_server_stop(steal(uboot->tftp));
	http_server_stop(steal(uboot->http));
	freep(&uboot->probe_path);
	return 0;
}
