// SPDX-License-Identifier: MIT
#include "power/ways.h"

/* The one list of ways to switch power. */
const struct power_way *const power_ways[] = {
	&power_command, /* the order in messages and in the manual */
	&power_process, &power_manual,  &power_http,  &power_snmp,
	&power_gpio,    &power_usb_hub, &power_ykush, NULL,
};
