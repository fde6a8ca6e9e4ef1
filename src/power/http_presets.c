// SPDX-License-Identifier: MIT
#include "power/http_presets.h"

#include <stddef.h>

const struct http_preset http_presets[] = {
	{
		/* tasmota.github.io/docs/Commands: POWER, or POWER1... on a device of several. */
		.name = "tasmota",
		.summary = "Tasmota firmware; channel is N of PowerN",
		.on = {"GET", "{host}/cm?cmnd=Power{channel}%20On{credentials}", NULL},
		.off = {"GET", "{host}/cm?cmnd=Power{channel}%20Off{credentials}", NULL},
		.status = {"GET", "{host}/cm?cmnd=Power{channel}{credentials}", NULL},
		.expect = "\"POWER[0-9]*\" *: *\"O(N|FF)\"",
		.values = {"POWER{channel}", "POWER"},
		.channel = "1",
		.in_url = true,
		.number = true,
	},
	{
		/* shelly-api-docs.shelly.cloud/gen1: /relay/{index}. */
		.name = "shelly-gen1",
		.summary = "Shelly of the first generation; channel is the relay, from 0",
		.on = {"POST", "{host}/relay/{channel}", "turn=on"},
		.off = {"POST", "{host}/relay/{channel}", "turn=off"},
		.status = {"GET", "{host}/relay/{channel}", NULL},
		.values = {"ison", NULL},
		.channel = "0",
		.number = true,
	},
	{
		/* shelly-api-docs.shelly.cloud/gen2: Switch, Authentication (the user is always
		   admin). */
		.name = "shelly-gen2",
		.summary = "Shelly of the second generation and later (Plus, Pro, Gen3...); "
			   "channel is "
			   "the switch, from 0",
		.on = {"POST", "{host}/rpc",
		       "{\"id\":1,\"method\":\"Switch.Set\",\"params\":{\"id\":{channel},\"on\":"
		       "true}}"},
		.off = {"POST", "{host}/rpc",
			"{\"id\":1,\"method\":\"Switch.Set\",\"params\":{\"id\":{channel},\"on\":"
			"false}}"},
		.status = {"POST", "{host}/rpc",
			   "{\"id\":1,\"method\":\"Switch.GetStatus\",\"params\":{\"id\":{channel}}"
			   "}"},
		.expect = "\"result\"",
		.values = {"result.output", NULL},
		.channel = "0",
		.username = "admin",
		.digest = true,
		.number = true,
	},
	{
		/* developers.home-assistant.io/docs/api/rest. */
		.name = "home-assistant",
		.summary = "a switch that Home Assistant knows; channel is its entity, host with "
			   "port 8123",
		.on = {"POST", "{host}/api/services/switch/turn_on",
		       "{\"entity_id\":\"{channel}\"}"},
		.off = {"POST", "{host}/api/services/switch/turn_off",
			"{\"entity_id\":\"{channel}\"}"},
		.status = {"GET", "{host}/api/states/{channel}", NULL},
		.values = {"state", NULL},
		.token = true,
	},
	{
		/* esphome.io/web-api. */
		.name = "esphome",
		.summary = "ESPHome with web_server; channel is the id of the switch",
		.on = {"POST", "{host}/switch/{channel}/turn_on", ""},
		.off = {"POST", "{host}/switch/{channel}/turn_off", ""},
		.status = {"GET", "{host}/switch/{channel}", NULL},
		.values = {"state", NULL},
		.digest = true,
	},
	{
		/* netio-products.com, "JSON API". */
		.name = "netio-json",
		.summary = "NETIO with the JSON API; channel is the output, from 1",
		.on = {"POST", "{host}/netio.json",
		       "{\"Outputs\":[{\"ID\":{channel},\"Action\":1}]}"},
		.off = {"POST", "{host}/netio.json",
			"{\"Outputs\":[{\"ID\":{channel},\"Action\":0}]}"},
		.status = {"GET", "{host}/netio.json", NULL},
		.values = {"Outputs.[ID={channel}].State", NULL},
		.number = true,
	},
	{0},
};
