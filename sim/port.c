// SPDX-License-Identifier: MIT
#include "sim/port.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim/fault.h"
#include "sim/standard.h"

#define CUT_MS 300 /* how long it is unplugged */

void sim_device_free(struct sim_device *device)
{
	struct sim_faults *faults;

	if (!device)
		return;
	faults = device->faults;
	device->model->free(device);
	sim_faults_free(faults);
}

static void appear(struct sim_port *port, int64_t now_us)
{
	struct sim_device *device = port->device;

	port->present = true;
	port->address++;
	port->since_us = port->free_us = now_us;
	port->configuration = 0;
	port->halted = 0;
	port->used = false;
	memset(port->alts, 0, sizeof(port->alts));
	device->leaves = false;
	device->linger_ms = 0;
	device->busy_us = 0;
}

void sim_port_begin(struct sim_port *port, struct sim_device *device, unsigned int number,
		    int64_t now_us)
{
	*port = (struct sim_port){.device = device, .number = number, .address = 1};
	device->now_us = now_us;
	appear(port, now_us);
}

void sim_port_end(struct sim_port *port)
{
	sim_device_free(port->device);
	port->device = NULL;
}

void sim_port_leave(struct sim_port *port, int64_t now_us)
{
	struct sim_device *device = port->device;
	bool gone = device->absent_ms < 0;

	gone |= sim_fault(device->faults, SIM_FAULT_GONE, device->stage, 1);
	port->present = false;
	port->back_us = gone ? INT64_MAX : now_us + device->absent_ms * 1000;
	port->other_serial |= sim_fault(device->faults, SIM_FAULT_OTHER_SERIAL, device->stage, 1);
	port->other_id |= sim_fault(device->faults, SIM_FAULT_OTHER_ID, device->stage, 1);
}

void sim_port_tick(struct sim_port *port, int64_t now_us)
{
	if (port->present || now_us < port->back_us)
		return;
	port->device->now_us = now_us;
	appear(port, now_us);
	if (port->device->model->arrive)
		port->device->model->arrive(port->device);
}

void sim_port_reset(struct sim_port *port, int64_t now_us)
{
	port->configuration = 0;
	port->halted = 0;
	port->used = false;
	memset(port->alts, 0, sizeof(port->alts));
	port->device->now_us = now_us;
	if (port->device->model->reset)
		port->device->model->reset(port->device);
}

/* Faults of the bus that the transfer has; each counts every transfer, also those of others. */
struct bus_faults {
	bool stall, hang, half, cut;
};

static struct bus_faults count_faults(struct sim_device *device, size_t size)
{
	return (struct bus_faults){
		.stall = sim_fault(device->faults, SIM_FAULT_STALL, device->stage, 1),
		.hang = sim_fault(device->faults, SIM_FAULT_HANG, device->stage, 1),
		.half = sim_fault(device->faults, SIM_FAULT_SHORT, device->stage, 1) && size > 1,
		.cut = sim_fault(device->faults, SIM_FAULT_CUT, device->stage, size),
	};
}

static enum sim_status unplug(struct sim_device *device)
{
	device->leaves = true;
	device->linger_ms = 0;
	device->absent_ms = CUT_MS;
	if (device->model->restart)
		device->model->restart(device);
	return SIM_HANG;
}

static enum sim_status model_transfer(struct sim_port *port, struct sim_transfer *transfer,
				      bool *pending)
{
	struct sim_device *device = port->device;
	size_t size = transfer->size;
	enum sim_status status;
	struct bus_faults faults;

	if (transfer->endpoint && !device->model->bulk)
		return SIM_STALL;
	faults = count_faults(device, size);
	if (faults.cut)
		return unplug(device);
	if (faults.stall || faults.hang)
		return faults.stall ? SIM_STALL : SIM_HANG;
	if (faults.half && !(transfer->endpoint & USB_IN) && transfer->endpoint)
		size /= 2;
	if (transfer->endpoint)
		status = device->model->bulk(device, transfer->endpoint, transfer->data, &size,
					     pending);
	else
		status = device->model->control(device, transfer->setup, transfer->data, &size);
	transfer->got = faults.half && size > transfer->size / 2 ? size / 2 : size;
	return status;
}

static uint32_t halt_bit(uint8_t endpoint)
{
	return (uint32_t)1 << ((endpoint & 0x0f) + (endpoint & USB_IN ? 16 : 0));
}

static enum sim_status carry_out(struct sim_port *port, struct sim_transfer *transfer,
				 bool *pending)
{
	enum sim_status status;

	if (!transfer->endpoint && standard_request(port, transfer, &status))
		return status;
	port->used = true;
	if (port->halted & halt_bit(transfer->endpoint))
		return SIM_STALL;
	status = model_transfer(port, transfer, pending);
	if (status == SIM_STALL && transfer->endpoint)
		port->halted |= halt_bit(transfer->endpoint);
	return status;
}

static int64_t cost_us(const struct sim_device *device, const struct sim_transfer *transfer)
{
	if (!transfer->endpoint)
		return (int64_t)device->transfer_us;
	if (!device->bulk_rate)
		return 0;
	return (int64_t)((uint64_t)transfer->got * 1000000 / device->bulk_rate);
}

enum sim_outcome sim_port_transfer(struct sim_port *port, struct sim_transfer *transfer,
				   int64_t now_us, int64_t *answer_us, bool *leaves)
{
	struct sim_device *device = port->device;
	int64_t start = port->free_us > now_us ? port->free_us : now_us;
	bool pending = false;
	enum sim_status status;

	device->now_us = start;
	device->busy_us = 0;
	transfer->got = 0;
	status = carry_out(port, transfer, &pending);
	if (pending && status == SIM_OK)
		return SIM_PENDING;
	*leaves = device->leaves;
	device->leaves = false;
	*answer_us = start + cost_us(device, transfer);
	port->free_us = *answer_us + device->busy_us;
	if (status == SIM_HANG)
		return SIM_NEVER;
	if (status == SIM_STALL)
		transfer->got = 0;
	return status == SIM_STALL ? SIM_REFUSED : SIM_DONE;
}
