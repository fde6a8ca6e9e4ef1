// SPDX-License-Identifier: MIT
#include "build/fit.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"

struct fit_image *fit_add_image(struct fit *fit, const char *name)
{
	struct fit_image *image;

	fit->images = xrealloc(fit->images, fit->image_count + 1, sizeof(*fit->images));
	image = &fit->images[fit->image_count++];
	*image = (struct fit_image){.name = xstrdup(name), .bytes.max = (size_t)1 << 30};
	return image;
}

struct fit_config *fit_add_config(struct fit *fit, const char *name)
{
	struct fit_config *config;

	fit->configs = xrealloc(fit->configs, fit->config_count + 1, sizeof(*fit->configs));
	config = &fit->configs[fit->config_count++];
	*config = (struct fit_config){.name = xstrdup(name)};
	return config;
}

void fit_add_loadable(struct fit_config *config, const char *image)
{
	size_t count = 0;

	while (config->loadables && config->loadables[count])
		count++;
	config->loadables = xrealloc(config->loadables, count + 2, sizeof(*config->loadables));
	config->loadables[count] = xstrdup(image);
	config->loadables[count + 1] = NULL;
}

static void free_image(struct fit_image *image)
{
	free(image->name);
	free(image->description);
	free(image->type);
	free(image->os);
	free(image->arch);
	free(image->compression);
	free(image->compatible);
	free(image->incbin);
	free(image->path);
	free(image->hash);
	buf_free(&image->bytes);
}

static void free_config(struct fit_config *config)
{
	char **name;

	free(config->name);
	free(config->description);
	free(config->kernel);
	free(config->fdt);
	free(config->ramdisk);
	free(config->fpga);
	free(config->firmware);
	for (name = config->loadables; name && *name; name++)
		free(*name);
	free(config->loadables);
}

void fit_free(struct fit *fit)
{
	size_t i;

	for (i = 0; i < fit->image_count; i++)
		free_image(&fit->images[i]);
	for (i = 0; i < fit->config_count; i++)
		free_config(&fit->configs[i]);
	free(fit->images);
	free(fit->configs);
	free(fit->description);
	free(fit->default_config);
	*fit = (struct fit){0};
}

int fit_data_size(const struct fit *fit, uint64_t *size, struct err *err)
{
	const struct fit_image *image;
	struct stat st;

	*size = 0;
	for (image = fit->images; image < fit->images + fit->image_count; image++) {
		if (image->has_bytes) {
			*size += image->bytes.size;
			continue;
		}
		if (stat(image->path, &st) < 0)
			return err_errno(err, ERR_NOT_FOUND, "cannot read %s", image->path);
		*size += (uint64_t)st.st_size;
	}
	return 0;
}
