// SPDX-License-Identifier: MIT
#include "power/snmp_presets.h"

#include <stddef.h>

/* The same value in all places. */
#define ONLY(value)                        \
	{                                  \
		value, value, value, value \
	}

const struct snmp_preset snmp_presets[] = {
	{
		/* PowerNet-MIB, sPDUOutletCtl. */
		.name = "apc-spdu",
		.summary = "APC MasterSwitch (AP921x); outlet is its number",
		.on_oid = "1.3.6.1.4.1.318.1.1.4.4.2.1.3",
		.off_oid = "1.3.6.1.4.1.318.1.1.4.4.2.1.3",
		.state_oid = "1.3.6.1.4.1.318.1.1.4.4.2.1.3",
		.on = 1,
		.off = 2,
		.is_on = ONLY(1),
		.is_off = ONLY(2),
		.parts = 1,
	},
	{
		/* PowerNet-MIB, rPDUOutletControlOutletCommand. */
		.name = "apc-rpdu",
		.summary = "APC Switched Rack PDU (AP7900 and like it); outlet is its number",
		.on_oid = "1.3.6.1.4.1.318.1.1.12.3.3.1.1.4",
		.off_oid = "1.3.6.1.4.1.318.1.1.12.3.3.1.1.4",
		.state_oid = "1.3.6.1.4.1.318.1.1.12.3.3.1.1.4",
		.on = 1,
		.off = 2,
		.is_on = ONLY(1),
		.is_off = ONLY(2),
		.parts = 1,
	},
	{
		/* PowerNet-MIB, rPDU2OutletSwitchedControlCommand (immediateOn 1, immediateOff 2)
		   and rPDU2OutletSwitchedStatusState, which counts the other way round (off 1, on
		   2). */
		.name = "apc-rpdu2",
		.summary = "APC Rack PDU 2G (AP8xxx); outlet is its number",
		.on_oid = "1.3.6.1.4.1.318.1.1.26.9.2.4.1.5",
		.off_oid = "1.3.6.1.4.1.318.1.1.26.9.2.4.1.5",
		.state_oid = "1.3.6.1.4.1.318.1.1.26.9.2.3.1.5",
		.on = 1,
		.off = 2,
		.is_on = ONLY(2),
		.is_off = ONLY(1),
		.parts = 1,
	},
	{
		/* APC-CPDU-MIB: off 1, on 2. */
		.name = "apc-cpdu",
		.summary = "APC NetShelter Rack PDU Advanced (APDU); outlet is UNIT.OUTLET, as 1.3",
		.on_oid = "1.3.6.1.4.1.318.1.1.32.5.5.1.4",
		.off_oid = "1.3.6.1.4.1.318.1.1.32.5.5.1.4",
		.state_oid = "1.3.6.1.4.1.318.1.1.32.5.5.1.4",
		.on = 2,
		.off = 1,
		.is_on = ONLY(2),
		.is_off = ONLY(1),
		.parts = 2,
	},
	{
		/* PDU2-MIB, switchingOperation and outletSwitchingState (on 7, off 8). */
		.name = "raritan-px2",
		.summary = "Raritan PX2, PX3; outlet is its number",
		.on_oid = "1.3.6.1.4.1.13742.6.4.1.2.1.2.1",
		.off_oid = "1.3.6.1.4.1.13742.6.4.1.2.1.2.1",
		.state_oid = "1.3.6.1.4.1.13742.6.4.1.2.1.3.1",
		.on = 1,
		.off = 0,
		.is_on = ONLY(7),
		.is_off = ONLY(8),
		.parts = 1,
	},
	{
		/* EATON-EPDU-MIB, outletControlOnCmd, ...OffCmd, ...Status (2, 3: pending). */
		.name = "eaton-epdu",
		.summary = "Eaton ePDU G3; outlet is its number",
		.on_oid = "1.3.6.1.4.1.534.6.6.7.6.6.1.4.0",
		.off_oid = "1.3.6.1.4.1.534.6.6.7.6.6.1.3.0",
		.state_oid = "1.3.6.1.4.1.534.6.6.7.6.6.1.2.0",
		.on = 1,
		.off = 1,
		.is_on = ONLY(1),
		.is_off = ONLY(0),
		.parts = 1,
	},
	{
		/* Sentry3-MIB, outletControlAction and outletControlState: idle, wake, plain,
		 * locked.
		 */
		.name = "sentry3",
		.summary = "Server Technology Sentry 3; outlet is TOWER.INFEED.OUTLET, as 1.1.3",
		.on_oid = "1.3.6.1.4.1.1718.3.2.3.1.11",
		.off_oid = "1.3.6.1.4.1.1718.3.2.3.1.11",
		.state_oid = "1.3.6.1.4.1.1718.3.2.3.1.10",
		.on = 1,
		.off = 2,
		.is_on = {1, 3, 5, 7},
		.is_off = {0, 2, 4, 6},
		.parts = 3,
	},
	{
		/* RFC 3621, pethPsePortAdminEnable. */
		.name = "poe-mib",
		.summary = "a switch that feeds the board by Ethernet (RFC 3621); outlet is "
			   "GROUP.PORT",
		.on_oid = "1.3.6.1.2.1.105.1.1.1.3",
		.off_oid = "1.3.6.1.2.1.105.1.1.1.3",
		.state_oid = "1.3.6.1.2.1.105.1.1.1.3",
		.on = 1,
		.off = 2,
		.is_on = ONLY(1),
		.is_off = ONLY(2),
		.parts = 2,
	},
	{0},
};
