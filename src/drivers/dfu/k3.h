// SPDX-License-Identifier: MIT
/*
 * TI's K3 processors: what their ROM says of itself, and the files of their boot chain. Pure, of
 * bytes that are not trusted. Sources: TI "UART boot SoC ID" of the processor SDK; U-Boot
 * tools/binman/btool/openssl.py (the certificate of tiboot3.bin) and doc/board/ti/k3.rst.
 */
#ifndef ABOARD_DRIVERS_DFU_K3_H
#define ABOARD_DRIVERS_DFU_K3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The answer to an upload of the alternate setting "SocId": 32 bytes, 200 on secure parts. */
#define K3_SOC_ID_MAX 512
#define K3_SECURITY   5

struct k3_soc_id {
	char device[13];            /* "am62x"; printable */
	char security[K3_SECURITY]; /* "GP", "HSFS", "HSSE"; printable, blanks cut */
	uint8_t rom[4];             /* version of the R5's ROM, most significant first */
};

/* ERR_BOARD: it is none. */
int k3_soc_id_parse(const uint8_t *bytes, size_t size, struct k3_soc_id *id, struct err *err);

/* What a tiboot3.bin says of itself in its X.509 certificate. */
struct k3_tiboot3 {
	uint64_t certificate; /* bytes of it */
	uint64_t payload;     /* bytes that it announces behind it */
	bool combined;        /* system firmware is inside, sysfw.itb is not needed */
	bool secure;          /* it holds the inner certificate of HS firmware */
};

/* ERR_IMAGE: it is no tiboot3.bin, or ends early. `size` bytes are the whole file. */
int k3_tiboot3_parse(const uint8_t *bytes, size_t size, struct k3_tiboot3 *tiboot3,
		     struct err *err);

/* tispl.bin, u-boot.img, sysfw.itb: a FIT that is there to its end. ERR_IMAGE. */
int k3_fit_check(const uint8_t *bytes, size_t size, struct err *err);

#endif
