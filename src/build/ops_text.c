// SPDX-License-Identifier: MIT
/* Operations as commands of U-Boot's shell. How it reads quotes was seen with U-Boot 2023.01: in
   "..." a backslash stays in the text, a dollar sign names a variable, a single quote is a syntax
   error; outside of quotes a backslash protects any character. `exit` does not leave a sourced
   script, so a strict script asks before each command whether one has failed. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "build/ops.h"

/* The variable of a strict script that says what could not be done; empty as long as all is well.
 */
#define STOPPED "boot_stopped"

struct rendering {
	const struct ops_style *style;
	struct buf *out;
	struct buf line; /* the command that is being put together */
	struct err *err;
};

static bool is_plain(const char *text)
{
	return *text && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_-./:=,+@%") == strlen(text);
}

void ops_quote(struct buf *out, const char *text, bool quoted)
{
	if (!quoted && is_plain(text)) {
		buf_add_text(out, text);
		return;
	}
	buf_add_char(out, '"');
	for (; *text; text++) {
		if (strchr("\"$\\'", *text))
			buf_addf(out, "\"\\%c\"", *text);
		else
			buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

/* Ends the command in rendering->line, which does `what`: a strict script runs it only if nothing
   has failed, and remembers that it did. A block, not `||` alone: a load command may be several. */
static void end_line(struct rendering *rendering, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void end_line(struct rendering *rendering, const char *format, ...)
{
	const char *command = buf_text(&rendering->line);
	_cleanup_(freep) char *what = NULL;
	va_list args;

	va_start(args, format);
	what = xvasprintf(format, args);
	va_end(args);
	if (rendering->style->strict) {
		buf_addf(rendering->out,
			 "if test -z \"$" STOPPED "\"; then %s || setenv " STOPPED " ", command);
		ops_quote(rendering->out, what, true);
		buf_add_text(rendering->out, "; fi\n");
	} else {
		buf_addf(rendering->out, "%s\n", command);
	}
	buf_clear(&rendering->line);
}

static const struct module *module_of(const struct rendering *rendering, const struct op *op)
{
	return &rendering->style->modules->items[op->module];
}

/* The module's address as U-Boot is told it. */
static void add_address(struct rendering *rendering, const struct module *module)
{
	if (rendering->style->dynamic)
		buf_addf(&rendering->line, "${%s_addr}", module->name);
	else
		buf_addf(&rendering->line, "0x%" PRIX64, module->address);
}

static void after_dynamic_load(struct rendering *rendering, const struct module *module)
{
	static const char *const steps[] = {"+ ${filesize}", "+ 0x1FFFFF", "& 0xFFFFFFFFFFE00000"};
	size_t i;

	buf_addf(&rendering->line, "setenv %s_addr ${memaddr}", module->name);
	end_line(rendering, "set %s_addr", module->name);
	buf_addf(&rendering->line, "setenv %s_size ${filesize}", module->name);
	end_line(rendering, "set %s_size", module->name);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		buf_addf(&rendering->line, "setexpr memaddr ${memaddr} \\%s", steps[i]);
		end_line(rendering, "work out the address behind %s", module->name);
	}
}

static int render_load(struct rendering *rendering, const struct op *op)
{
	const struct module *module = module_of(rendering, op);
	const char *prefix = rendering->style->prefix;
	_cleanup_(freep) char *name = NULL;

	if (rendering->style->fit) {
		buf_addf(&rendering->line, "imxtract $fit_addr %s 0x%" PRIX64, module->name,
			 module->address);
		end_line(rendering, "take %s out of the FIT", module->name);
		return 0;
	}
	name = prefix && *prefix ? xasprintf("%s/%s", prefix, module->file) : xstrdup(module->file);
	buf_addf(&rendering->line, "%s ", module->load_cmd);
	if (rendering->style->dynamic)
		buf_add_text(&rendering->line, "${memaddr}");
	else
		add_address(rendering, module);
	buf_add_char(&rendering->line, ' ');
	ops_quote(&rendering->line, name, false);
	end_line(rendering, "load %s", name);
	if (rendering->style->dynamic)
		after_dynamic_load(rendering, module);
	return 0;
}

/* U-Boot reads the size as hexadecimal with or without 0x; fpga device 0 is the only one there is
   on the boards this is for. */
static int render_fpga(struct rendering *rendering, const struct op *op)
{
	const struct module *module = module_of(rendering, op);

	buf_add_text(&rendering->line, "fpga load 0 ");
	add_address(rendering, module);
	if (rendering->style->dynamic)
		buf_addf(&rendering->line, " ${%s_size}", module->name);
	else
		buf_addf(&rendering->line, " 0x%" PRIX64, module->file_size);
	end_line(rendering, "program %s", module->file);
	return 0;
}

static int render_fdt_addr(struct rendering *rendering, const struct op *op)
{
	buf_add_text(&rendering->line, "fdt addr ");
	add_address(rendering, module_of(rendering, op));
	end_line(rendering, "use the device tree %s", module_of(rendering, op)->file);
	return 0;
}

static int render_apply(struct rendering *rendering, const struct op *op)
{
	if (rendering->style->edited)
		return 0;
	buf_add_text(&rendering->line, "fdt apply ");
	add_address(rendering, module_of(rendering, op));
	end_line(rendering, "apply %s", module_of(rendering, op)->file);
	return 0;
}

static int render_resize(struct rendering *rendering, const struct op *op)
{
	(void)op;
	buf_addf(&rendering->line, "fdt resize 0x%" PRIx64, rendering->style->resize);
	end_line(rendering, "make room in the device tree");
	return 0;
}

/* U-Boot's fdt command holds a value in 1024 bytes and writes on behind them (cmd/fdt.c,
   SCRATCHPAD); 2023.01 was seen to crash. */
#define VALUE_MAX 1024

static int check_size(struct rendering *rendering, const struct op *op, size_t size)
{
	if (size <= VALUE_MAX)
		return 0;
	err_set(rendering->err, ERR_CONFIG,
		"%s of %s has %zu bytes; U-Boot's fdt command crashes above %d", op->name, op->path,
		size, VALUE_MAX);
	return err_remedy(rendering->err, "shorten it, or make a FIT (-f), whose device tree is "
					  "edited before");
}

/* `fdt set` takes a text that begins with < or [ for cells or bytes, and has no way to say
   otherwise; a line end would end the command. */
static int check_string(struct rendering *rendering, const struct op *op, const char *text)
{
	const char *at;

	if (*text == '<' || *text == '[')
		return err_set(rendering->err, ERR_CONFIG,
			       "%s of %s begins with '%c', which U-Boot's fdt command takes for %s",
			       op->name, op->path, *text, *text == '<' ? "numbers" : "bytes");
	for (at = text; *at; at++)
		if ((unsigned char)*at < ' ' && *at != '\t')
			return err_set(rendering->err, ERR_CONFIG,
				       "%s of %s has a control character, which a boot script "
				       "cannot hold",
				       op->name, op->path);
	return check_size(rendering, op, strlen(text) + 1);
}

static void begin_set(struct rendering *rendering, const struct op *op)
{
	const char *name;

	buf_addf(&rendering->line, "fdt set %s ", op->path);
	for (name = op->name; *name; name++)
		buf_addf(&rendering->line, *name == '#' ? "\\%c" : "%c", *name);
}

static void end_set(struct rendering *rendering, const struct op *op)
{
	end_line(rendering, "set %s of %s", op->name, op->path);
}

static int render_cells(struct rendering *rendering, const struct op *op)
{
	const struct cell *cell;

	begin_set(rendering, op);
	buf_add_text(&rendering->line, " <");
	for (cell = op->cells; cell < op->cells + op->cell_count; cell++) {
		buf_add_text(&rendering->line, cell == op->cells ? "" : " ");
		if (cell->form == 'd')
			buf_addf(&rendering->line, "%" PRIu32, cell->value);
		else
			buf_addf(&rendering->line, cell->form == 'x' ? "0x%" PRIx32 : "0x%" PRIX32,
				 cell->value);
	}
	buf_add_text(&rendering->line, op->spaced ? " >" : ">");
	end_set(rendering, op);
	return check_size(rendering, op, 4 * op->cell_count);
}

static int render_reg(struct rendering *rendering, const struct op *op)
{
	static const char *const parts[] = {"addr", "size"};
	const struct module *module = module_of(rendering, op);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts) && rendering->style->dynamic; i++) {
		buf_addf(&rendering->line, "setexpr %s_hi ${%s_%s} / 0x100000000", parts[i],
			 module->name, parts[i]);
		end_line(rendering, "divide %s_%s", module->name, parts[i]);
		buf_addf(&rendering->line, "setexpr %s_lo ${%s_%s} \\& 0xFFFFFFFF", parts[i],
			 module->name, parts[i]);
		end_line(rendering, "divide %s_%s", module->name, parts[i]);
	}
	begin_set(rendering, op);
	if (rendering->style->dynamic)
		buf_add_text(&rendering->line,
			     " <0x${addr_hi} 0x${addr_lo} 0x${size_hi} 0x${size_lo}>");
	else
		buf_addf(&rendering->line,
			 " <0x%" PRIX32 " 0x%" PRIX32 " 0x%" PRIX32 " 0x%" PRIX32 " >",
			 (uint32_t)(module->address >> 32), (uint32_t)module->address,
			 (uint32_t)(module->size >> 32), (uint32_t)module->size);
	end_set(rendering, op);
	return 0;
}

static int render_strings(struct rendering *rendering, const struct op *op)
{
	char **text;
	int rc;

	begin_set(rendering, op);
	buf_add_char(&rendering->line, ' ');
	for (text = op->strings; *text; text++) {
		rc = check_string(rendering, op, *text);
		if (rc < 0)
			return rc;
		buf_add_char(&rendering->line, ' ');
		ops_quote(&rendering->line, *text, true);
	}
	end_set(rendering, op);
	return 0;
}

static int render_string(struct rendering *rendering, const struct op *op)
{
	int rc = check_string(rendering, op, op->text);

	if (rc < 0)
		return rc;
	begin_set(rendering, op);
	buf_add_char(&rendering->line, ' ');
	ops_quote(&rendering->line, op->text, true);
	end_set(rendering, op);
	return 0;
}

static int render_set(struct rendering *rendering, const struct op *op)
{
	if (rendering->style->edited)
		return 0;
	switch (op->value) {
	case VALUE_STRING:
		return render_string(rendering, op);
	case VALUE_STRINGS:
		return render_strings(rendering, op);
	case VALUE_REG:
		return render_reg(rendering, op);
	case VALUE_CELLS:
		return render_cells(rendering, op);
	case VALUE_EMPTY:
		break;
	}
	begin_set(rendering, op);
	buf_add_text(&rendering->line, op->spaced ? " " : "");
	end_set(rendering, op);
	return 0;
}

static int render_mknod(struct rendering *rendering, const struct op *op)
{
	if (rendering->style->edited)
		return 0;
	buf_addf(&rendering->line, "fdt mknod %s %s", op->path, op->name);
	end_line(rendering, "make the node %s in %s", op->name, op->path);
	return 0;
}

static void set_initrd(struct rendering *rendering, const struct op *op, const char *name,
		       const char *value)
{
	buf_addf(&rendering->line, "fdt set %s %s <0x%s>", op->path, name, value);
	end_line(rendering, "set %s of %s", name, op->path);
}

/* setexpr gives bare digits whether or not its operands have a 0x. */
static int render_initrd(struct rendering *rendering, const struct op *op)
{
	const struct module *module = module_of(rendering, op);
	_cleanup_(freep) char *start = xasprintf("%" PRIx64, module->address);
	_cleanup_(freep) char *end = xasprintf("%" PRIx64, module->address + module->size);
	bool dynamic = rendering->style->dynamic;

	if (rendering->style->edited)
		return 0;
	if (dynamic) {
		buf_addf(&rendering->line, "setexpr initrd_start ${%s_addr} \\+ 0", module->name);
		end_line(rendering, "work out where %s is", module->name);
		buf_addf(&rendering->line, "setexpr initrd_end ${%s_addr} \\+ ${%s_size}",
			 module->name, module->name);
		end_line(rendering, "work out where %s ends", module->name);
	}
	set_initrd(rendering, op, "linux,initrd-start", dynamic ? "${initrd_start}" : start);
	set_initrd(rendering, op, "linux,initrd-end", dynamic ? "${initrd_end}" : end);
	return 0;
}

static int render_text(struct rendering *rendering, const struct op *op)
{
	buf_add_text(rendering->out, op->text);
	return 0;
}

static int render_command(struct rendering *rendering, const struct op *op)
{
	buf_add_text(&rendering->line, op->text);
	end_line(rendering, "%s", op->name);
	return 0;
}

/* What the user wrote is not watched, only left out after a failure. */
static int render_extra(struct rendering *rendering, const struct op *op)
{
	bool strict = rendering->style->strict;

	buf_addf(rendering->out, "%s%s%s", strict ? "if test -z \"$" STOPPED "\"; then\n" : "",
		 op->text, strict ? "fi\n" : "");
	return 0;
}

/* Without a newline behind it: U-Boot adds one to a script of several lines
   (parse_string_outer() in common/cli_hush.c), and an empty line at the end would make the script's
   status 0. */
static const char strict_end[] = "if test -n \"$" STOPPED "\"; then "
				 "echo \"boot script stopped: cannot $" STOPPED "\"; "
				 "setenv " STOPPED "; false; else true; fi";

static int (*const renderers[])(struct rendering *, const struct op *) = {
	[OP_TEXT] = render_text,         [OP_LOAD] = render_load,
	[OP_FPGA] = render_fpga,         [OP_FDT_ADDR] = render_fdt_addr,
	[OP_FDT_RESIZE] = render_resize, [OP_FDT_APPLY] = render_apply,
	[OP_MKNOD] = render_mknod,       [OP_SET] = render_set,
	[OP_INITRD] = render_initrd,     [OP_COMMAND] = render_command,
	[OP_EXTRA] = render_extra,
};

int ops_render(const struct ops *ops, const struct ops_style *style, struct buf *out,
	       struct err *err)
{
	struct rendering rendering = {.style = style, .out = out, .err = err};
	size_t i;
	int rc = 0;

	if (style->strict)
		buf_add_text(out, "setenv " STOPPED "\n");
	for (i = 0; rc == 0 && i < ops->count; i++)
		rc = renderers[ops->items[i].kind](&rendering, &ops->items[i]);
	if (style->strict)
		buf_add_text(out, strict_end);
	buf_free(&rendering.line);
	if (rc == 0 && buf_over(out))
		return err_set(err, ERR_CONFIG, "the boot script is too long");
	return rc;
}
