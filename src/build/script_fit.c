// SPDX-License-Identifier: MIT
/* The FIT of a boot: its parts in ImageBuilder's order, and one configuration. The script in it
   takes each part out with imxtract. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "build/script_model.h"

/* ImageBuilder's order: what starts first, then dom0, guests, the rest. */
static const enum role leading[] = {ROLE_DTB,          ROLE_XEN,           ROLE_LINUX,
				    ROLE_DOM0_RAMDISK, ROLE_LINUX_RAMDISK, ROLE_POLICY,
				    ROLE_DOM0_KERNEL};

static char *describe(const struct script *script, const struct module *module)
{
	if (module->role == ROLE_DTB)
		return xstrdup(script->xen ? "xen fdt" : "linux fdt");
	return role_text(role_facts(module->role)->description, module->number);
}

/* A file as the .its has to name it: as the config does, or else from the folder that is in. */
static char *as_included(const struct script *script, const char *file)
{
	_cleanup_(freep) char *name = script_file(script, file);
	_cleanup_(freep) char *its = script_file(script, script->its_name);
	_cleanup_(buf_free) struct buf out = {0};
	const char *at;

	if (!strchr(its, '/'))
		return xstrdup(file);
	if (name[0] == '/')
		return steal(name);
	if (its[0] == '/')
		return script_path(script, name);
	for (at = its; (at = strchr(at, '/')); at++)
		buf_add_text(&out, "../");
	buf_add_text(&out, name);
	return buf_steal(&out);
}

static struct fit_image *add_image(struct fit *fit, const char *name, const char *type,
				   uint64_t load)
{
	struct fit_image *image = fit_add_image(fit, name);

	image->type = xstrdup(type);
	image->compression = xstrdup("none");
	image->hash = xstrdup("sha256");
	image->sign = true;
	image->has_load = true;
	image->load = load;
	return image;
}

static void add_module(const struct script *script, const struct module *module, struct fit *fit)
{
	const struct role_facts *facts = role_facts(module->role);
	struct fit_image *image = add_image(fit, module->name, facts->fit_type, module->address);

	image->description = describe(script, module);
	image->arch = xstrdup("arm64");
	image->os = facts->fit_os ? xstrdup(facts->fit_os) : NULL;
	image->incbin = as_included(script, module->said);
	image->path = xstrdup(module->path);
	if (facts->entry) {
		image->has_entry = true;
		image->entry = module->address;
	}
	if (module->role == ROLE_BITSTREAM)
		image->compatible = xstrdup("u-boot,fpga-legacy");
}

static void add_role(const struct script *script, enum role role, struct fit *fit)
{
	size_t index = modules_find(&script->modules, role, 0);

	if (index < script->modules.count)
		add_module(script, &script->modules.items[index], fit);
}

static void add_guests(const struct script *script, struct fit *fit)
{
	const struct module *module, *end = script->modules.items + script->modules.count;

	for (module = script->modules.items; module < end; module++)
		if (module->role == ROLE_GUEST_KERNEL || module->role == ROLE_GUEST_RAMDISK ||
		    module->role == ROLE_GUEST_DTB)
			add_module(script, module, fit);
}

static void add_script(const struct script *script, const struct buf *text, struct fit *fit)
{
	struct fit_image *image = add_image(fit, "boot_scr", "script", script->placement.script);

	image->description = xstrdup("imagebuilder's boot script");
	image->has_entry = true;
	image->entry = image->load;
	image->incbin = as_included(script, script->source);
	image->has_bytes = true;
	image->bytes.max = text->size + 1;
	buf_add(&image->bytes, buf_text(text), text->size);
}

/* What the tree's place in the FIT holds is the edited one. */
static void use_edited_tree(const struct script *script, const struct buf *tree, struct fit *fit)
{
	struct fit_image *image = &fit->images[0];

	free(image->incbin);
	image->incbin = as_included(script, script->edited_name);
	image->has_bytes = true;
	image->bytes.max = tree->size + 1;
	buf_add(&image->bytes, buf_text(tree), tree->size);
}

static char *named(const struct script *script, enum role role)
{
	size_t index = modules_find(&script->modules, role, 0);

	return index < script->modules.count ? xstrdup(script->modules.items[index].name) : NULL;
}

static void add_config(const struct script *script, struct fit *fit)
{
	struct fit_config *config = fit_add_config(fit, "config");
	const struct module *module, *end = script->modules.items + script->modules.count;

	config->description = xstrdup(script->xen ? "Imagebuilder xen" : "Imagebuilder linux");
	config->kernel = xstrdup("host_kernel");
	config->fdt = xstrdup("host_fdt");
	config->ramdisk = named(script, ROLE_LINUX_RAMDISK);
	config->fpga = named(script, ROLE_BITSTREAM);
	if (!script->xen)
		return;
	/* Files were placed in this order: dom0's, then the guests'. */
	for (module = script->modules.items; module < end; module++)
		if (module->role != ROLE_XEN && module->role != ROLE_DTB &&
		    module->role != ROLE_BITSTREAM)
			fit_add_loadable(config, module->name);
}

void script_fit(const struct script *script, const struct buf *text, const struct buf *tree,
		struct fit *fit)
{
	size_t i;

	*fit = (struct fit){
		.description = xstrdup("Configuration from Imagebuilder to load Xen/Linux"),
		.default_config = xstrdup("config"),
	};
	for (i = 0; i < ARRAY_SIZE(leading); i++)
		add_role(script, leading[i], fit);
	use_edited_tree(script, tree, fit);
	add_guests(script, fit);
	add_role(script, ROLE_BITSTREAM, fit);
	add_script(script, text, fit);
	add_config(script, fit);
}
