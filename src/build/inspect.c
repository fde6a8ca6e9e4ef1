// SPDX-License-Identifier: MIT
#include "build/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "build/inspect_rows.h"

#define DEPTH_MAX 3

#define ROW(kind, name, function)                                \
	{                                                        \
		kind, name, function##_match, function##_explain \
	}

/* Where two could match, the one that asks for more comes first: a FAT boot sector has the mark of
   a partition table, an arm64 kernel begins like a PE program, and an ESP image has one byte. */
const struct recogniser recognisers[] = {
	ROW("stm32", "STM32 image", stm32),
	ROW("fip", "firmware image package", fip),
	ROW("uimage", "legacy U-Boot image", legacy_image),
	ROW("fdt", "flattened device tree", fdt),
	ROW("arm64-image", "arm64 Linux Image", arm64_kernel),
	ROW("zimage", "arm zImage", zimage),
	ROW("elf", "ELF program", elf),
	ROW("pe", "PE program", pe),
	ROW("cpio", "cpio archive", cpio),
	ROW("android-sparse", "Android sparse image", sparse),
	ROW("squashfs", "squashfs file system", squashfs),
	ROW("rockchip-loader", "Rockchip loader", rockchip_loader),
	ROW("rockchip-idblock", "Rockchip ID block", rockchip_idblock),
	ROW("egon", "Allwinner eGON loader", egon),
	ROW("ahab", "i.MX AHAB container", ahab),
	ROW("packed", "packed file", packed),
	ROW("gpt", "disk with a GPT", gpt),
	ROW("ext4", "ext2/3/4 file system", ext4),
	ROW("fat", "FAT file system", fat),
	ROW("mbr", "disk with an MBR", mbr),
	ROW("imx-ivt", "i.MX boot image", imx_ivt),
	ROW("esp", "ESP image", esp),
	{0},
};

void inspect_input(const struct input *input, struct finding *finding)
{
	const struct recogniser *row;

	for (row = recognisers; row->kind; row++) {
		if (!row->match(input))
			continue;
		finding_begin(finding, row->kind, row->name);
		row->explain(input, finding);
		return;
	}
	finding_begin(finding, "unknown", "unknown");
	finding->state = FINDING_UNKNOWN;
}

static int open_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_HOST, "cannot open %s",
				 path);
	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		return fd;
	close(fd);
	return err_set(err, ERR_USAGE, "%s is neither a file nor a block device", path);
}

int inspect_file(const char *path, struct deadline deadline, struct finding *finding,
		 struct err *err)
{
	_cleanup_(freep) struct input *input = xmalloc(sizeof(*input));
	_cleanup_(closep) int fd = open_file(path, err);
	int rc = fd < 0 ? fd : input_of_file(input, path, fd, err);

	if (rc < 0)
		return rc;
	input->deadline = &deadline;
	inspect_input(input, finding);
	rc = deadline_check(deadline, err);
	if (rc < 0)
		finding_free(finding);
	return rc;
}

void inspect_part(const struct input *input, uint64_t offset, uint64_t size, const char *what,
		  json_t *row, struct finding *whole)
{
	_cleanup_(freep) struct input *part = xmalloc(sizeof(*part));
	struct finding finding;

	if (input->depth >= DEPTH_MAX || !input_of_part(part, input, offset, size))
		return;
	inspect_input(part, &finding);
	if (finding.state != FINDING_UNKNOWN)
		json_object_set_new(row, "holds", finding_json(&finding));
	if (finding.state == FINDING_DAMAGED)
		finding_check(whole, what, false, "the %s in it is damaged", finding.name);
	finding_free(&finding);
}
