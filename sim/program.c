// SPDX-License-Identifier: MIT
#include "sim/program.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "sim/fault.h"

int sim_number(const struct args *args, const char *name, uint64_t fallback, uint64_t max,
	       uint64_t *value, struct err *err)
{
	const char *text = args_value(args, name, NULL);

	*value = fallback;
	if (!text || text_u64(text, max, value))
		return 0;
	return err_set(err, ERR_USAGE, "--%s: \"%s\" is not a number from 0 to %llu", name, text,
		       (unsigned long long)max);
}

int sim_size(const struct args *args, const char *name, uint64_t fallback, uint64_t *value,
	     struct err *err)
{
	const char *text = args_value(args, name, NULL);

	*value = fallback;
	if (!text || text_size(text, value))
		return 0;
	return err_set(err, ERR_USAGE, "--%s: \"%s\" is not a size, such as 64M", name, text);
}

int sim_id(const struct args *args, const char *name, uint16_t *vid, uint16_t *pid, struct err *err)
{
	const char *text = args_value(args, name, NULL), *colon = text ? strchr(text, ':') : NULL;
	uint64_t first, second;

	if (!text)
		return 0;
	if (colon) {
		_cleanup_(freep) char *front = xstrndup(text, (size_t)(colon - text));

		if (text_hex(front, &first) && text_hex(colon + 1, &second) && first <= 0xffff &&
		    second <= 0xffff) {
			*vid = (uint16_t)first;
			*pid = (uint16_t)second;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE,
		       "--%s: \"%s\" is not VID:PID in hexadecimal, such as 0483:df11", name, text);
}

static int add_faults(const struct args *args, struct sim_faults *faults, struct err *err)
{
	_cleanup_(freep) const char **texts = args_values(args, "fault");
	const char **text;
	int rc = 0;

	for (text = texts; *text && rc == 0; text++)
		rc = sim_faults_add(faults, *text, err);
	return rc;
}

static int read_absence(const struct args *args, int64_t *ms, struct err *err)
{
	const char *text = args_value(args, "absent", "300ms");

	if (text_duration(text, ms))
		return 0;
	return err_set(err, ERR_USAGE, "--absent: \"%s\" is not a time, such as 300ms", text);
}

int sim_common_settings(const struct args *args, unsigned int number, struct sim_settings *settings,
			struct err *err)
{
	struct sim_faults *faults = NULL;
	int rc;

	*settings = (struct sim_settings){.number = number};
	settings->serial = args_value(args, "serial", NULL);
	if ((rc = read_absence(args, &settings->absent_ms, err)) < 0 ||
	    (rc = sim_number(args, "transfer-us", 0, 10000000, &settings->transfer_us, err)) < 0 ||
	    (rc = sim_size(args, "bulk-rate", 0, &settings->bulk_rate, err)) < 0 ||
	    (rc = sim_size(args, "write-rate", 0, &settings->write_rate, err)) < 0 ||
	    (rc = sim_size(args, "read-rate", 0, &settings->read_rate, err)) < 0)
		return rc;
	faults = sim_faults_new();
	rc = add_faults(args, faults, err);
	if (rc < 0) {
		sim_faults_free(faults);
		return rc;
	}
	settings->faults = faults;
	return 0;
}

int sim_make_devices(struct cli *cli,
		     int (*make)(struct cli *cli, struct sim_device **device,
				 const struct sim_settings *settings, struct err *err),
		     struct err *err)
{
	struct sim_cli *own = container_of(cli, struct sim_cli, cli);
	struct sim_settings settings;
	struct sim_device *device;
	uint64_t count, i;
	int rc;

	rc = sim_number(cli->args, "count", 1, 100, &count, err);
	for (i = 0; i < count && rc == 0; i++) {
		rc = sim_common_settings(cli->args, (unsigned int)own->bus->count + 1, &settings,
					 err);
		if (rc < 0)
			return rc;
		rc = make(cli, &device, &settings, err);
		if (rc == 0)
			sim_bus_add(own->bus, device, loop_now());
	}
	return rc;
}
