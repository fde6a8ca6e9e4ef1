// SPDX-License-Identifier: MIT
/* From the neutral description to a plain tree, and on to the FIT. */
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/fit.h"
#include "build/fit_fill.h"
#include "build/fit_spec.h"
#include "build/fit_tree.h"

#define ROOM_PER_NODE 4096

static void add_text(void *tree, const char *name, const char *text)
{
	if (text)
		dt_put_text(tree, name, text);
}

/* One cell when it fits, as upstream; two above 4 GiB, which U-Boot reads too. */
static void add_address(void *tree, const char *name, bool has, uint64_t address)
{
	if (has && address <= UINT32_MAX)
		fdt_property_u32(tree, name, (uint32_t)address);
	else if (has)
		fdt_property_u64(tree, name, address);
}

static int read_into(int fd, char *place, size_t size)
{
	size_t done;
	ssize_t got;

	for (done = 0; done < size; done += (size_t)got) {
		got = read(fd, place + done, size - done);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			return -1;
	}
	return 0;
}

static int open_file(const char *path, off_t *size, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_errno(err, ERR_NOT_FOUND, "cannot open %s", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*size = st.st_size;
		return fd;
	}
	close(fd);
	return err_set(err, ERR_CONFIG, "%s is no file", path);
}

/* Reads a file straight to its place in the tree. */
static int add_file(void *tree, const char *path, struct err *err)
{
	off_t size = 0;
	_cleanup_(closep) int fd = open_file(path, &size, err);
	void *place;

	if (fd < 0)
		return fd;
	if (size > INT32_MAX || fdt_property_placeholder(tree, "data", (int)size, &place) < 0)
		return err_set(err, ERR_CONFIG, "%s has grown while it was read", path);
	if (read_into(fd, place, (size_t)size) < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", path);
	return 0;
}

static int add_data(void *tree, const struct fit_image *image, struct err *err)
{
	if (!image->has_bytes)
		return add_file(tree, image->path, err);
	fdt_property(tree, "data", buf_text(&image->bytes), (int)image->bytes.size);
	return 0;
}

static void add_hash(void *tree, const char *algo)
{
	if (!algo)
		return;
	fdt_begin_node(tree, "hash");
	add_text(tree, "algo", algo);
	fdt_end_node(tree);
}

static void begin_signature(void *tree, const struct fit_spec *spec)
{
	fdt_begin_node(tree, "signature");
	add_text(tree, "algo", spec->algo);
	add_text(tree, "key-name-hint", spec->hint);
}

static int add_image(void *tree, const struct fit_image *image, const struct fit_spec *spec,
		     struct err *err)
{
	int rc;

	fdt_begin_node(tree, image->name);
	add_text(tree, "description", image->description);
	rc = add_data(tree, image, err);
	if (rc < 0)
		return rc;
	add_text(tree, "type", image->type);
	add_text(tree, "arch", image->arch);
	add_text(tree, "os", image->os);
	add_text(tree, "compression", image->compression);
	add_text(tree, "compatible", image->compatible);
	add_address(tree, "load", image->has_load, image->load);
	add_address(tree, "entry", image->has_entry, image->entry);
	add_hash(tree, fit_spec_hash(spec, image));
	if (fit_spec_signs(spec, image)) {
		begin_signature(tree, spec);
		fdt_end_node(tree);
	}
	fdt_end_node(tree);
	return 0;
}

static void add_names(void *tree, const char *property, const char *const *names)
{
	_cleanup_(buf_free) struct buf list = {0};

	for (; names && *names; names++)
		buf_add(&list, *names, strlen(*names) + 1);
	if (list.size)
		fdt_property(tree, property, list.data, (int)list.size);
}

static void add_config(void *tree, const struct fit_config *config, const struct fit_spec *spec)
{
	const char *names[FIT_USES_MAX + 1];

	fdt_begin_node(tree, config->name);
	add_text(tree, "description", config->description);
	add_text(tree, "kernel", config->kernel);
	add_text(tree, "fdt", config->fdt);
	add_text(tree, "ramdisk", config->ramdisk);
	add_text(tree, "fpga", config->fpga);
	add_text(tree, "firmware", config->firmware);
	add_names(tree, "loadables", (const char *const *)config->loadables);
	if (spec->sign_configs) {
		fit_spec_uses(config, names);
		begin_signature(tree, spec);
		add_names(tree, "sign-images", names);
		fdt_end_node(tree);
	}
	fdt_end_node(tree);
}

static int add_all(void *tree, const struct fit *fit, const struct fit_spec *spec, struct err *err)
{
	size_t i;
	int rc = 0;

	fdt_finish_reservemap(tree);
	fdt_begin_node(tree, "");
	add_text(tree, "description", fit->description);
	fdt_property_u32(tree, "#address-cells", 1);
	fdt_begin_node(tree, "images");
	for (i = 0; i < fit->image_count && rc == 0; i++)
		rc = add_image(tree, &fit->images[i], spec, err);
	if (rc < 0)
		return rc;
	fdt_end_node(tree);
	fdt_begin_node(tree, "configurations");
	add_text(tree, "default", fit->default_config);
	for (i = 0; i < fit->config_count; i++)
		add_config(tree, &fit->configs[i], spec);
	fdt_end_node(tree);
	fdt_end_node(tree);
	rc = fdt_finish(tree);
	if (rc == 0)
		return 0;
	return err_set(err, ERR_INTERNAL, "the FIT cannot be written: %s", fdt_strerror(rc));
}

/* libfdt remembers the first error of a sequence and gives it back at fdt_finish(). */
static int make_plain(const struct fit *fit, const struct fit_spec *spec, void **plain,
		      struct err *err)
{
	_cleanup_(freep) void *tree = NULL;
	uint64_t size;
	int rc = fit_data_size(fit, &size, err);

	if (rc < 0)
		return rc;
	size += (fit->image_count + fit->config_count + 4) * ROOM_PER_NODE;
	if (size > INT32_MAX)
		return err_set(err, ERR_CONFIG, "a FIT cannot be larger than 2 GiB");
	tree = xcalloc(1, (size_t)size);
	fdt_create(tree, (int)size);
	rc = add_all(tree, fit, spec, err);
	if (rc == 0)
		*plain = steal(tree);
	return rc;
}

static int write_file(const char *path, const char *data, size_t size, struct err *err)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t step;

	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot write %s", path);
	for (; size; data += step, size -= (size_t)step) {
		step = write(fd, data, size);
		if (step < 0 && errno == EINTR)
			step = 0;
		else if (step < 0)
			return err_errno(err, ERR_HOST, "cannot write %s", path);
	}
	return fsync(fd) < 0 ? err_errno(err, ERR_HOST, "cannot write %s", path) : 0;
}

int fit_write(const struct fit *fit, const struct fit_signing *signing, uint64_t timestamp,
	      const char *path, struct buf *control, struct err *err)
{
	_cleanup_(freep) void *plain = NULL, *filled = NULL;
	struct fit_spec spec;
	size_t size;
	int rc = fit_spec_make(signing, &spec, err);

	if (rc == 0)
		rc = make_plain(fit, &spec, &plain, err);
	if (rc == 0)
		rc = fit_fill(plain, signing, timestamp, &filled, &size, control, err);
	if (rc < 0)
		return rc;
	return write_file(path, filled, size, err);
}
