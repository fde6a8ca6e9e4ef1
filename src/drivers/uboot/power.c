// SPDX-License-Identifier: MIT
#include "drivers/uboot/uboot.h"

int uboot_power_cycle(struct job *job, struct deadline deadline, struct err *err)
{
	int rc = job_console(job, deadline, err);

	if (rc == 0)
		rc = job_power(job, err);
	if (rc == 0)
		rc = power_cycle(job->power, deadline, err);
	uboot_of(job)->sleeping = false;
	return rc;
}

/* A job that did not come to its end leaves no board on; one that was asked to leave it on, does.
 */
int uboot_power_restore(struct job *job, struct deadline deadline, struct err *err)
{
	if (uboot_of(job)->sleeping || job->request->no_power_off || !job->power)
		return 0;
	uboot_of(job)->sleeping = true;
	return power_set(job->power, false, deadline, err);
}

int uboot_power_off(struct job *job, struct deadline deadline, struct err *err)
{
	return uboot_power_restore(job, deadline, err);
}
