// SPDX-License-Identifier: MIT
/*
 * The standard requests (USB 2.0 section 9.4), answered from the face of a device.
 */
#ifndef ABOARD_SIM_STANDARD_H
#define ABOARD_SIM_STANDARD_H

#include "sim/port.h"

/* False: it is none, the model is to be asked. A bus reset that a host asks for in a request
   (SET_FEATURE PORT_RESET, as Linux's usbip-host takes it) is one. */
bool standard_request(struct sim_port *port, struct sim_transfer *transfer,
		      enum sim_status *status);

#endif
