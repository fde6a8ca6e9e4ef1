// SPDX-License-Identifier: MIT
/* The flasher's Linux: its network, its clock, what the bundle wants done first. Busybox alone must
 * be enough. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/uboot/uboot.h"

/* Whether this Linux reaches our HTTP server: it must bring back what only we know. */
static int probe(struct job *job, struct deadline deadline, bool *reached, struct err *err)
{
	_cleanup_(buf_free) struct buf output = {0};
	const struct uboot *uboot = uboot_of(job);
	char host[INET_ADDRSTRLEN];
	int status, rc;

	rc = board_try(job, SHELL_POSIX, deadline, &output, &status, err,
		       "wget -q -O - http://%s:%u%s", uboot_host_text(uboot, host),
		       http_server_port(uboot->http), uboot->probe_path);
	*reached = rc == 0 && status == 0 && strstr(buf_text(&output), uboot->probe);
	return rc;
}

#define INTERFACES_MAX 16

struct interface {
	char name[16], mac[18];
};

/* The interface U-Boot used, by its MAC address; else the only one; else it must be named. */
static const struct interface *choose(const struct interface *list, size_t count, const char *mac)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcasecmp(list[i].mac, mac) == 0)
			return &list[i];
	return count == 1 ? &list[0] : NULL;
}

static bool is_word(const char *text)
{
	return *text &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "._-:") == strlen(text);
}

/* Lines "@ NAME MAC" of physical interfaces. */
static size_t parse_interfaces(char *output, struct interface list[INTERFACES_MAX])
{
	char *line, *mac, *rest = NULL;
	size_t count = 0;

	for (line = strtok_r(output, "\n", &rest); line && count < INTERFACES_MAX;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (!text_starts(line, "@ "))
			continue;
		line = text_trim(line + 2);
		mac = strchr(line, ' ');
		if (!mac)
			continue;
		*mac++ = '\0';
		if (!is_word(line) || !is_word(mac) || strlen(line) >= sizeof(list->name) ||
		    strlen(mac) >= sizeof(list->mac))
			continue;
		memcpy(list[count].name, line, strlen(line) + 1);
		memcpy(list[count++].mac, mac, strlen(mac) + 1);
	}
	return count;
}

static int find_interface(struct job *job, struct deadline deadline, char name[16], struct err *err)
{
	const char *wanted = yaml_text(job->board->network, "linux_interface", NULL);
	_cleanup_(buf_free) struct buf output = {0};
	struct interface list[INTERFACES_MAX];
	const struct interface *chosen;
	size_t count;
	int rc;

	if (wanted && strlen(wanted) < 16) {
		memcpy(name, wanted, strlen(wanted) + 1);
		return 0;
	}
	rc = board_cmd(job, SHELL_POSIX, deadline, &output, err,
		       "for i in /sys/class/net/*; do [ -e $i/device ] && echo \"@ ${i##*/} $(cat "
		       "$i/address)\"; "
		       "done; true");
	if (rc < 0)
		return rc;
	count = output.data ? parse_interfaces(output.data, list) : 0;
	chosen = choose(list, count, uboot_of(job)->board_mac);
	if (chosen) {
		memcpy(name, chosen->name, sizeof(chosen->name));
		return 0;
	}
	err_set(err, ERR_BOARD,
		"the flasher's Linux has %zu network interfaces, and none with U-Boot's address %s",
		count, uboot_of(job)->board_mac);
	return err_remedy(
		err,
		"name it as 'linux_interface' under 'network' in the board file, or look for the "
		"driver in the bundle's initramfs");
}

/* The address U-Boot had is this board's for the length of the job: no second DHCP round is needed.
 */
static int take_address(struct job *job, const char *interface, struct deadline deadline,
			struct err *err)
{
	const struct uboot *uboot = uboot_of(job);
	char address[INET_ADDRSTRLEN], mask[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN];
	int rc;

	inet_ntop(AF_INET, &uboot->board_address, address, sizeof(address));
	inet_ntop(AF_INET, &uboot->netmask, mask, sizeof(mask));
	inet_ntop(AF_INET, &uboot->gateway, gateway, sizeof(gateway));
	rc = board_cmd(job, SHELL_POSIX, deadline, NULL, err, "ifconfig %s %s netmask %s up",
		       interface, address, uboot->netmask.s_addr ? mask : "255.255.255.0");
	if (rc == 0 && uboot->gateway.s_addr)
		rc = board_cmd(job, SHELL_POSIX, deadline, NULL, err,
			       "route add default gw %s 2>/dev/null; true", gateway);
	/* The link needs a moment after it was brought up; the board waits for it, not we. */
	if (rc == 0)
		rc = board_cmd(
			job, SHELL_POSIX, deadline, NULL, err,
			"n=0; while [ \"$(cat /sys/class/net/%s/carrier 2>/dev/null)\" != 1 ] && "
			"[ $n -lt 20 ]; do sleep 1; n=$((n+1)); done",
			interface);
	return rc;
}

static int run_dhcp(struct job *job, const char *interface, struct deadline deadline,
		    struct err *err)
{
	struct deadline own = job_deadline(job, deadline, "dhcp");
	_cleanup_(freep) char *command = NULL;
	int status, rc;

	command = xasprintf("ifconfig %s 0.0.0.0 up; udhcpc -i %s -n -q -t 5 -T 2", interface,
			    interface);
	rc = console_run(job->console, SHELL_POSIX, command, NULL, &status, own, err);
	return rc < 0 ? err_prefix(err, "udhcpc") : 0;
}

int uboot_linux_network(struct job *job, struct deadline deadline, struct err *err)
{
	char interface[16], host[INET_ADDRSTRLEN];
	bool reached = false;
	int rc;

	rc = probe(job, deadline, &reached, err);
	if (rc < 0 || reached)
		return rc;
	rc = find_interface(job, deadline, interface, err);
	if (rc == 0)
		rc = take_address(job, interface, deadline, err);
	if (rc == 0)
		rc = probe(job, deadline, &reached, err);
	if (rc == 0 && !reached && !yaml_get(job->board->network, "address")) {
		rc = run_dhcp(job, interface, deadline, err);
		if (rc == 0)
			rc = probe(job, deadline, &reached, err);
	}
	if (rc < 0 || reached)
		return rc;
	err_set(err, ERR_NETWORK, "the flasher's Linux cannot fetch from http://%s:%u",
		uboot_host_text(uboot_of(job), host), http_server_port(uboot_of(job)->http));
	return err_remedy(err,
			  "U-Boot reached this host, so look for a firewall on TCP port %u, or set "
			  "'http_port' under 'network' in the board file and open that",
			  http_server_port(uboot_of(job)->http));
}

/* TLS and file times want a clock that is about right. */
static int set_clock(struct job *job, struct deadline deadline, struct err *err)
{
	int status, rc;

	rc = board_try(job, SHELL_POSIX, deadline, NULL, &status, err, "date -s @%lld",
		       (long long)time(NULL));
	if (rc == 0 && status != 0)
		events_log(job->events, "warning", "the board's clock could not be set");
	return rc;
}

static int run_preflash(struct job *job, struct deadline deadline, struct err *err)
{
	const struct manifest *manifest = uboot_of(job)->manifest;
	char address[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN];
	size_t i;
	int rc;

	inet_ntop(AF_INET, &uboot_of(job)->board_address, address, sizeof(address));
	inet_ntop(AF_INET, &uboot_of(job)->gateway, gateway, sizeof(gateway));
	rc = board_cmd(job, SHELL_POSIX, deadline, NULL, err, "export dhcp_addr=%s gw_addr=%s",
		       address, gateway);
	for (i = 0; rc == 0 && i < manifest->preflash_count; i++)
		rc = board_cmd(job, SHELL_POSIX, deadline, NULL, err, "%s",
			       manifest->preflash_commands[i]);
	return rc;
}

int uboot_prepare(struct job *job, struct deadline deadline, struct err *err)
{
	int rc = set_clock(job, deadline, err);

	/* Kernel messages would land in the middle of what commands print. */
	if (rc == 0)
		rc = board_cmd(job, SHELL_POSIX, deadline, NULL, err, "dmesg -n 1; true");
	if (rc == 0)
		rc = board_cmd(job, SHELL_POSIX, deadline, NULL, err,
			       "mkdir -p /tmp/aboard && rm -rf /tmp/aboard/*");
	return rc < 0 ? rc : run_preflash(job, deadline, err);
}
