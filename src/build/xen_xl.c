// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build/load_cmd.h"
#include "build/root.h"
#include "build/tree.h"
#include "build/xen_disk_model.h"

#define MEMORY_MIB 512
#define PAGE_SHIFT 12
#define SPI_FIRST  32 /* interrupt numbers of a GIC: shared ones begin here */
#define GIC_SPI    0  /* first cell of `interrupts` (bindings of arm,gic) */
#define GIC_CELLS  3

/* What Linux calls a partition (number from 1) of the disk, of which the first one is loaded from.
 */
static int device_name(const struct xen_disk *disk, unsigned int number, char **name,
		       struct err *err)
{
	struct load_disk loaded;
	int rc = load_cmd_disk(disk->load_cmd, &loaded, err);

	if (rc < 0)
		return rc;
	if (loaded.partition == 0)
		return err_set(err, ERR_CONFIG,
			       "partition 0 in the load command `%s` is the whole disk",
			       disk->load_cmd);
	*name = load_disk_name(&loaded, loaded.partition + number - 1);
	return 0;
}

/* A text in quotes, as xl's language reads it (libxl's libxlu_cfg_l.l). */
static void add_quoted(struct buf *out, const char *text)
{
	buf_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

static void add_setting(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "%s=", name);
	add_quoted(out, text);
	buf_add_char(out, '\n');
}

/* A number of `cells` cells. */
static uint64_t cells_value(const fdt32_t *cells, int count)
{
	uint64_t value = 0;

	while (count-- > 0)
		value = value << 32 | fdt32_to_cpu(*cells++);
	return value;
}

struct devices {
	struct buf iomem, dtdev, irqs;
};

static void devices_free(struct devices *devices)
{
	buf_free(&devices->iomem);
	buf_free(&devices->dtdev);
	buf_free(&devices->irqs);
}

static void separate(struct buf *list)
{
	buf_add_text(list, list->size ? ", " : " ");
}

/* xen,reg: address on the host, size, address in the guest; cells as the node's parent says. */
static int read_xen_reg(const void *fdt, int node, int parent, struct buf *iomem, struct err *err)
{
	int length, address = fdt_address_cells(fdt, parent), size = fdt_size_cells(fdt, parent);
	const fdt32_t *cells = fdt_getprop(fdt, node, "xen,reg", &length);
	int step = 2 * address + size;

	if (!cells)
		return 0;
	if (address < 1 || address > 2 || size < 1 || size > 2 || length % (step * 4))
		return err_set(err, ERR_IMAGE,
			       "%s: xen,reg is not in groups of address, size, "
			       "address",
			       fdt_get_name(fdt, node, NULL));
	for (length /= 4; length > 0; length -= step, cells += step) {
		uint64_t host = cells_value(cells, address) >> PAGE_SHIFT;
		uint64_t bytes = cells_value(cells + address, size);
		uint64_t guest = cells_value(cells + address + size, address) >> PAGE_SHIFT;

		separate(iomem);
		buf_addf(iomem, "\"0x%" PRIX64 ",%" PRIX64, host,
			 (bytes >> PAGE_SHIFT) + ((bytes & ((1U << PAGE_SHIFT) - 1)) != 0));
		if (guest != host)
			buf_addf(iomem, "@0x%" PRIX64, guest);
		buf_add_char(iomem, '"');
	}
	return 0;
}

static int read_interrupts(const void *fdt, int node, struct buf *irqs, struct notes *notes,
			   struct err *err)
{
	const char *name = fdt_get_name(fdt, node, NULL);
	int length;
	const fdt32_t *cells = fdt_getprop(fdt, node, "interrupts", &length);

	if (!cells)
		return 0;
	if (length % (GIC_CELLS * 4))
		return err_set(err, ERR_IMAGE, "%s: interrupts are not in groups of three cells",
			       name);
	for (length /= 4; length > 0; length -= GIC_CELLS, cells += GIC_CELLS) {
		if (fdt32_to_cpu(cells[0]) != GIC_SPI) {
			notes_add(notes, NOTE_WARNING,
				  "%s: a private interrupt cannot be given to a guest; left out",
				  name);
			continue;
		}
		buf_addf(irqs, "%s%" PRIu32, irqs->size ? "," : " ",
			 fdt32_to_cpu(cells[1]) + SPI_FIRST);
	}
	return 0;
}

static void read_path(const void *fdt, int node, struct buf *dtdev)
{
	int length;
	const char *path = fdt_getprop(fdt, node, "xen,path", &length);

	if (!path || length < 1 || path[length - 1] != '\0' ||
	    fdt_getprop(fdt, node, "xen,force-assign-without-iommu", NULL))
		return;
	separate(dtdev);
	add_quoted(dtdev, path);
}

static int read_devices(const void *fdt, struct devices *devices, struct notes *notes,
			struct err *err)
{
	int node, parent, rc = 0;

	for (node = fdt_next_node(fdt, -1, NULL); node >= 0 && rc == 0;
	     node = fdt_next_node(fdt, node, NULL)) {
		parent = fdt_parent_offset(fdt, node);
		if (parent < 0)
			continue;
		rc = read_xen_reg(fdt, node, parent, &devices->iomem, err);
		if (rc == 0)
			rc = read_interrupts(fdt, node, &devices->irqs, notes, err);
		read_path(fdt, node, &devices->dtdev);
	}
	return rc;
}

int xen_xl_devices(const char *path, struct buf *out, struct notes *notes, struct err *err)
{
	_cleanup_(devices_free) struct devices devices = {0};
	_cleanup_(buf_free) struct buf tree = {0};
	int rc = tree_read(path, &tree, err);

	if (rc == 0)
		rc = read_devices(tree.data, &devices, notes, err);
	if (rc == 0 && !devices.iomem.size)
		rc = err_set(err, ERR_IMAGE, "no xen,reg: there is nothing to give to a guest");
	if (rc < 0)
		return err_prefix(err, "%s", path);
	buf_addf(out, "iomem = [%s ]\n", buf_text(&devices.iomem));
	if (devices.dtdev.size)
		buf_addf(out, "dtdev = [%s ]\n", buf_text(&devices.dtdev));
	if (devices.irqs.size)
		buf_addf(out, "irqs = [%s ]\n", buf_text(&devices.irqs));
	return 0;
}

static char *on_boot(const struct xen_disk *disk, const char *file)
{
	_cleanup_(freep) char *name = root_name(disk->root, file);

	return disk->options->prefix ? xasprintf("/boot/%s/%s", disk->options->prefix, name)
				     : xasprintf("/boot/%s", name);
}

static int add_files(const struct xen_disk *disk, int64_t guest, struct buf *out, struct err *err)
{
	const char *kernel = config_text_at(&disk->config, "DOMU_KERNEL", guest);
	const char *ramdisk = config_text_at(&disk->config, "DOMU_RAMDISK", guest);
	_cleanup_(freep) char *kernel_path = kernel ? on_boot(disk, kernel) : NULL;
	_cleanup_(freep) char *ramdisk_path = ramdisk ? on_boot(disk, ramdisk) : NULL;
	_cleanup_(freep) char *device = NULL;
	int rc = device_name(disk, 1, &device, err);

	if (rc < 0)
		return rc;
	if (!kernel)
		return err_set(err, ERR_CONFIG, "DOMU_KERNEL[%" PRId64 "] is not set", guest);
	buf_addf(out, "# mount %s /boot\n", device);
	add_setting(out, "kernel", kernel_path);
	if (ramdisk)
		add_setting(out, "ramdisk", ramdisk_path);
	return 0;
}

static int add_disk(const struct xen_disk *disk, int64_t guest, struct buf *out, struct err *err)
{
	const char *cmd = config_text_at(&disk->config, "DOMU_CMD", guest);
	const struct xen_rootfs *rootfs = xen_rootfs_of(disk, guest);
	_cleanup_(freep) char *extra = NULL, *device = NULL;
	int rc;

	if (!cmd)
		cmd = "console=hvc0";
	extra = xasprintf("%s%s", cmd,
			  strstr(cmd, "root=") ? ""
			  : rootfs             ? " root=/dev/xvda"
					       : " root=/dev/ram0");
	add_setting(out, "extra", extra);
	if (!rootfs)
		return 0;
	rc = device_name(disk, disk->result->partitions[rootfs->partition].number, &device, err);
	if (rc < 0)
		return rc;
	buf_addf(out, "disk=[\"%s,,xvda\"]\n", device);
	return 0;
}

static int add_tree(const struct xen_disk *disk, uint64_t guest, struct buf *out, struct err *err)
{
	_cleanup_(freep) char *name = NULL, *path = NULL, *place = NULL;
	int rc = xen_guest_dtb(disk, guest, &name, err);

	if (rc < 0 || !name)
		return rc;
	path = path_join(disk->root, name);
	place = xasprintf("/etc/xen/%s", path_base(name));
	add_setting(out, "device_tree", place);
	return xen_xl_devices(path, out, &disk->result->notes, err);
}

int xen_xl_text(const struct xen_disk *disk, uint64_t guest, struct buf *out, struct err *err)
{
	const struct config *config = &disk->config;
	const char *driver = config_text_at(config, "DOMU_DRIVER_DOMAIN", (int64_t)guest);
	int64_t memory, vcpus;
	int rc = config_number(config, "DOMU_MEM", (int64_t)guest, MEMORY_MIB, &memory, err);

	if (rc == 0)
		rc = config_number(config, "DOMU_VCPUS", (int64_t)guest, 1, &vcpus, err);
	if (rc < 0)
		return rc;
	buf_addf(out, "name=\"domU%" PRIu64 "\"\nmemory=%" PRId64 "\nvcpus=%" PRId64 "\n", guest,
		 memory, vcpus);
	if (driver)
		buf_addf(out, "driver_domain=%s\n", driver);
	rc = add_files(disk, (int64_t)guest, out, err);
	if (rc == 0)
		rc = add_disk(disk, (int64_t)guest, out, err);
	return rc < 0 ? rc : add_tree(disk, guest, out, err);
}

/* The xl file of one guest, and its partial device tree beside it. */
static int put_guest(struct xen_disk *disk, struct rootfs *dom0, uint64_t guest, struct err *err)
{
	_cleanup_(freep) char *place = xasprintf("etc/xen/domU%" PRIu64 ".cfg", guest);
	_cleanup_(freep) char *dtb = NULL, *host = NULL, *dtb_place = NULL;
	_cleanup_(buf_free) struct buf text = {0};
	int rc = xen_xl_text(disk, guest, &text, err);

	if (rc == 0)
		rc = rootfs_put_bytes(dom0, place, text.data, text.size, 0644, disk->time, err);
	if (rc == 0)
		rc = xen_guest_dtb(disk, guest, &dtb, err);
	if (rc < 0 || !dtb)
		return rc;
	host = path_join(disk->root, dtb);
	dtb_place = xasprintf("etc/xen/%s", path_base(dtb));
	return rootfs_put_host(dom0, dtb_place, host, 0644, disk->time, err);
}

int xen_put_xl_files(struct xen_disk *disk, struct err *err)
{
	struct xen_rootfs *dom0 = xen_rootfs_of(disk, -1);
	uint64_t guest;
	int rc = 0;

	for (guest = 0; guest < disk->guests && rc == 0 && dom0; guest++) {
		if (!config_text_at(&disk->config, "DOMU_NOBOOT", (int64_t)guest))
			continue;
		if (!rootfs_find(dom0->tree, "etc/xen"))
			rc = rootfs_put_folder(dom0->tree, "etc/xen", 0755, disk->time, err);
		if (rc == 0)
			rc = put_guest(disk, dom0->tree, guest, err);
		if (rc < 0)
			err_prefix(err, "xl file of guest %" PRIu64, guest);
	}
	return rc;
}
