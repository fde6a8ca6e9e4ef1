// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/board_check.h"

/* An IPv4 address in host order; 0.0.0.0 when the key is missing. */
static int get_address(const struct yaml *network, const char *key, uint32_t *address,
		       struct err *err)
{
	const struct yaml *node = yaml_get(network, key);
	struct in_addr parsed;

	*address = 0;
	if (!node)
		return 0;
	if (inet_pton(AF_INET, node->text, &parsed) != 1)
		return yaml_err(node, err, "'%s' must be an IPv4 address, not '%s'", key,
				node->text);
	*address = ntohl(parsed.s_addr);
	if (*address == 0)
		return yaml_err(node, err, "'%s' must not be 0.0.0.0", key);
	return 0;
}

/* Ones from the top, then zeros. */
static bool is_netmask(uint32_t mask)
{
	return (~mask & (~mask + 1)) == 0;
}

static int check_port(const struct yaml *network, const char *key, struct err *err)
{
	const struct yaml *node = yaml_get(network, key);

	if (yaml_uint(network, key, 0) > UINT16_MAX)
		return yaml_err(node, err, "'%s' must be a port, 0 to 65535, not %s", key,
				node->text);
	return 0;
}

struct addresses {
	uint32_t address, netmask, gateway, host_address;
};

static int get_addresses(const struct yaml *network, struct addresses *all, struct err *err)
{
	int rc = get_address(network, "address", &all->address, err);

	if (rc == 0)
		rc = get_address(network, "netmask", &all->netmask, err);
	if (rc == 0)
		rc = get_address(network, "gateway", &all->gateway, err);
	if (rc == 0)
		rc = get_address(network, "host_address", &all->host_address, err);
	return rc;
}

static int check_dhcp(const struct yaml *network, struct err *err)
{
	static const char *const keys[] = {"address", "netmask", "gateway"};
	const struct yaml *node;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		node = yaml_get(network, keys[i]);
		if (!node)
			continue;
		yaml_err(node, err, "'%s' is only for 'mode: static'", keys[i]);
		return err_remedy(err, "add 'mode: static', or leave '%s' out", keys[i]);
	}
	return 0;
}

static int check_static(const struct yaml *network, const struct addresses *all, struct err *err)
{
	if (!all->address || !all->netmask)
		return yaml_err(network, err, "'mode: static' needs '%s'",
				all->address ? "netmask" : "address");
	if (!is_netmask(all->netmask))
		return yaml_err(yaml_get(network, "netmask"), err, "'%s' is not a netmask",
				yaml_text(network, "netmask", ""));
	if (all->gateway && (all->gateway ^ all->address) & all->netmask)
		return yaml_err(yaml_get(network, "gateway"), err,
				"the gateway %s is not in the network of %s/%s",
				yaml_text(network, "gateway", ""),
				yaml_text(network, "address", ""),
				yaml_text(network, "netmask", ""));
	if (all->host_address == all->address)
		return yaml_err(yaml_get(network, "host_address"), err,
				"the board and this machine cannot both be %s",
				yaml_text(network, "address", ""));
	return 0;
}

int board_check_network(const struct yaml *network, struct err *err)
{
	static const char *const modes[] = {"dhcp", "static", NULL};
	const char *mode = yaml_text(network, "mode", "dhcp");
	struct addresses all;
	int rc;

	if (!network)
		return 0;
	if (!text_equal(mode, "dhcp") && !text_equal(mode, "static")) {
		yaml_err(yaml_get(network, "mode"), err, "unknown mode '%s'", mode);
		return board_suggest(err, mode, modes);
	}
	rc = get_addresses(network, &all, err);
	if (rc == 0)
		rc = text_equal(mode, "dhcp") ? check_dhcp(network, err)
					      : check_static(network, &all, err);
	if (rc == 0)
		rc = check_port(network, "tftp_port", err);
	return rc < 0 ? rc : check_port(network, "http_port", err);
}
