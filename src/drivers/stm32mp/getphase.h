// SPDX-License-Identifier: MIT
/*
 * What an STM32MP board says of itself on USB: the answer to GETPHASE, which tells what it waits
 * for; the names of its alternate settings, which tell the phase each of them takes; and its
 * product string. Pure, of bytes that are not trusted. Sources: U-Boot
 * arch/arm/mach-stm32mp/cmd_stm32prog/stm32prog_usb.c, TF-A
 * plat/st/common/stm32cubeprogrammer_usb.c.
 */
#ifndef ABOARD_DRIVERS_STM32MP_GETPHASE_H
#define ABOARD_DRIVERS_STM32MP_GETPHASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Phases: what is sent or asked for. Others, up to 0xf0, are partitions of the layout. */
#define PHASE_LAYOUT  0x00u
#define PHASE_FSBL    0x01u
#define PHASE_FIP_DDR 0x02u
#define PHASE_SSBL    0x03u /* FIP, or U-Boot itself in the chain before FIP */
#define PHASE_COMMAND 0xf1u /* GETPHASE by upload, SETPHASE by download */
#define PHASE_OTP     0xf2u
#define PHASE_PMIC    0xf4u
#define PHASE_END     0xfeu
#define PHASE_ERROR   0xffu

/* Ask for this many bytes: an answer is always shorter, so it ends the upload. */
#define GETPHASE_SIZE 512

struct getphase {
	uint8_t phase;
	uint32_t address; /* where it will be loaded; 0xffffffff: not said */
	uint32_t offset;  /* bytes inside the phase, from which it wants to go on */
	bool detach;      /* PHASE_LAYOUT: the host shall send DETACH now */
	char text[256];   /* PHASE_ERROR: the board's words, printable */
};

/* ERR_BOARD when it is too short. */
int getphase_parse(const uint8_t *answer, size_t size, struct getphase *getphase, struct err *err);

/* SETPHASE (U-Boot only): the phase, and from which byte its next download starts. The number is
   big endian, unlike all others. */
#define SETPHASE_SIZE 5
void setphase_make(uint8_t phase, uint32_t offset, uint8_t out[SETPHASE_SIZE]);

/* The name of an alternate setting: "@FSBL /0x01/1*1Me". */
struct phase_alt {
	char name[32];
	uint8_t phase;
	uint64_t size; /* bytes, rounded down as the name says it */
	bool writable;
};

/* False when it is no such name. */
bool phase_alt_parse(const char *text, struct phase_alt *alt);

/* How the product strings of U-Boot's gadgets begin. */
#define STM32MP_GADGET "USB download gadget"

/* "DFU @Device ID /0x500, @Revision ID /0x0000, @Name /STM32MP157CAA Rev.B," */
struct phase_product {
	uint16_t device;   /* 0x500 */
	uint16_t revision; /* differs between the stages of one board */
	char name[48];     /* empty: not said */
};

bool phase_product_parse(const char *text, struct phase_product *product);

/* What is known of a chip by its device id. */
struct stm32mp_chip {
	uint16_t device;
	const char *name;   /* "mp15" */
	const char *title;  /* "STM32MP15" */
	const char *header; /* version of the header its ROM wants: "1.0" */
	uint32_t fsbl_max;  /* bytes of payload that the ROM takes; 0: not known */
	bool fip_ddr;       /* TF-A wants the DDR firmware first */
	bool arm64;
	uint32_t memory; /* address of memory that U-Boot leaves to fastboot, 32 MiB */
};

const struct stm32mp_chip *stm32mp_chip_find(const char *name); /* "mp15"; NULL: none */
const struct stm32mp_chip *stm32mp_chip_of(uint16_t device);    /* 0x500; NULL: none */
/* The chips whose ROM takes this version of the header; the first one of them. */
const struct stm32mp_chip *stm32mp_chip_of_header(const char *header);

/* "the flash layout", "partition 0x10"; into `out`, returns it. */
const char *phase_text(uint8_t phase, char out[32]);

#endif
