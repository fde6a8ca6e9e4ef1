// SPDX-License-Identifier: MIT
/* The .its text, laid out as ImageBuilder's uboot-script-gen lays it out: four blanks a level, an
   empty line for what a configuration leaves out, the end of a signature at the margin. */
#include <inttypes.h>

#include "base/mem.h"
#include "build/fit.h"
#include "build/fit_spec.h"

#define TEXT_MAX ((size_t)64 << 20)

struct its {
	struct buf text;
	int depth;
};

static void line(struct its *its, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void line(struct its *its, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	buf_addf(&its->text, "%*s%s\n", 4 * its->depth, "", text);
}

static void begin(struct its *its, const char *name)
{
	line(its, "%s {", name);
	its->depth++;
}

static void end(struct its *its)
{
	its->depth--;
	line(its, "};");
}

/* In quotes, with the escapes of dtc's language. */
static char *quoted(const char *text)
{
	_cleanup_(buf_free) struct buf out = {.max = TEXT_MAX};

	buf_add_char(&out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(&out, '\\');
		if ((unsigned char)*text < ' ')
			buf_addf(&out, "\\x%02x", (unsigned int)(unsigned char)*text);
		else
			buf_add_char(&out, *text);
	}
	buf_add_char(&out, '"');
	return buf_steal(&out);
}

static void text_line(struct its *its, const char *property, const char *text)
{
	_cleanup_(freep) char *in_quotes = text ? quoted(text) : NULL;

	if (text)
		line(its, "%s = %s;", property, in_quotes);
}

static void address_line(struct its *its, const char *property, uint64_t address)
{
	if (address > UINT32_MAX)
		line(its, "%s = <0x%" PRIX64 " 0x%" PRIX64 ">;", property, address >> 32,
		     address & UINT32_MAX);
	else
		line(its, "%s = <0x%" PRIX64 ">;", property, address);
}

static void signature(struct its *its, const struct fit_spec *spec)
{
	begin(its, "signature");
	text_line(its, "algo", spec->algo);
	text_line(its, "key-name-hint", spec->hint);
}

static void image(struct its *its, const struct fit_image *image, const struct fit_spec *spec)
{
	_cleanup_(freep) char *file = quoted(image->incbin ? image->incbin
					     : image->path ? image->path
							   : image->name);
	const char *hash = fit_spec_hash(spec, image);

	begin(its, image->name);
	text_line(its, "description", image->description);
	line(its, "data = /incbin/(%s);", file);
	text_line(its, "type", image->type);
	text_line(its, "arch", image->arch);
	text_line(its, "os", image->os);
	text_line(its, "compression", image->compression);
	text_line(its, "compatible", image->compatible);
	if (image->has_load)
		address_line(its, "load", image->load);
	if (image->has_entry)
		address_line(its, "entry", image->entry);
	if (hash) {
		begin(its, "hash");
		text_line(its, "algo", hash);
		end(its);
	}
	if (fit_spec_signs(spec, image)) {
		signature(its, spec);
		its->depth--;
		buf_add_text(&its->text, "};\n");
	}
	end(its);
}

static void names_line(struct its *its, const char *property, const char *const *names)
{
	_cleanup_(buf_free) struct buf list = {.max = TEXT_MAX};

	for (; names && *names; names++) {
		_cleanup_(freep) char *in_quotes = quoted(*names);

		buf_addf(&list, "%s%s", list.size ? ", " : "", in_quotes);
	}
	if (list.size)
		line(its, "%s = %s;", property, buf_text(&list));
	else
		line(its, "%s", "");
}

static void optional_line(struct its *its, const char *property, const char *name)
{
	if (name)
		text_line(its, property, name);
	else
		line(its, "%s", "");
}

static void config(struct its *its, const struct fit_config *config, const struct fit_spec *spec)
{
	const char *uses[FIT_USES_MAX + 1];

	begin(its, config->name);
	text_line(its, "description", config->description);
	text_line(its, "kernel", config->kernel);
	text_line(its, "fdt", config->fdt);
	optional_line(its, "ramdisk", config->ramdisk);
	optional_line(its, "fpga", config->fpga);
	text_line(its, "firmware", config->firmware);
	names_line(its, "loadables", (const char *const *)config->loadables);
	if (spec->sign_configs) {
		fit_spec_uses(config, uses);
		signature(its, spec);
		names_line(its, "sign-images", uses);
		end(its);
	}
	end(its);
}

char *fit_its_text(const struct fit *fit, const struct fit_signing *signing)
{
	struct its its = {.text.max = TEXT_MAX};
	struct fit_spec spec;
	size_t i;

	/* a key that cannot be read is fit_write()'s to tell */
	if (fit_spec_make(signing, &spec, NULL) < 0)
		spec = (struct fit_spec){0};
	buf_add_text(&its.text, "/dts-v1/;\n");
	begin(&its, "/");
	text_line(&its, "description", fit->description);
	line(&its, "#address-cells = <1>;");
	begin(&its, "images");
	for (i = 0; i < fit->image_count; i++)
		image(&its, &fit->images[i], &spec);
	end(&its);
	begin(&its, "configurations");
	text_line(&its, "default", fit->default_config);
	for (i = 0; i < fit->config_count; i++)
		config(&its, &fit->configs[i], &spec);
	end(&its);
	end(&its);
	return buf_steal(&its.text);
}
