// SPDX-License-Identifier: MIT
/* Operations as commands of U-Boot's shell. How it reads quotes was seen with U-Boot 2023.01: in
   "..." a backslash stays in the text, a dollar sign names a variable, a single quote is a syntax
   error; outside of quotes a backslash protects any character. `exit` does not leave a sourced
   script, so a strict script nests what follows a command in its `then`. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "build/ops.h"

struct rendering {
	const struct ops_style *style;
	struct buf *out;
	struct buf tail; /* what closes the strict nesting, innermost first */
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

/* One command; in a strict script what follows happens only if it works. */
static void guarded(struct rendering *rendering, const char *command, const char *what,
		    const char *name)
{
	_cleanup_(buf_free) struct buf tail = {0};

	if (!rendering->style->strict) {
		buf_addf(rendering->out, "%s\n", command);
		return;
	}
	buf_addf(rendering->out, "if %s; then\n", command);
	buf_add_text(&tail, "else echo ");
	buf_addf(&tail, "\"boot script stopped: cannot %s \"", what);
	ops_quote(&tail, name, true);
	buf_addf(&tail, "; false; fi\n%s", buf_text(&rendering->tail));
	buf_clear(&rendering->tail);
	buf_add(&rendering->tail, buf_text(&tail), tail.size);
}

static const struct module *module_of(const struct rendering *rendering, const struct op *op)
{
	return &rendering->style->modules->items[op->module];
}

/* The module's address as U-Boot is told it. */
static void add_address(struct rendering *rendering, const struct module *module, struct buf *out)
{
	if (rendering->style->dynamic)
		buf_addf(out, "${%s_addr}", module->name);
	else
		buf_addf(out, "0x%" PRIX64, module->address);
}

static void after_dynamic_load(struct rendering *rendering, const struct module *module)
{
	buf_addf(rendering->out, "setenv %s_addr ${memaddr}\n", module->name);
	buf_addf(rendering->out, "setenv %s_size ${filesize}\n", module->name);
	buf_add_text(rendering->out, "setexpr memaddr ${memaddr} \\+ ${filesize}\n"
				     "setexpr memaddr ${memaddr} \\+ 0x1FFFFF\n"
				     "setexpr memaddr ${memaddr} \\& 0xFFFFFFFFFFE00000\n");
}

static int render_load(struct rendering *rendering, const struct op *op)
{
	const struct module *module = module_of(rendering, op);
	_cleanup_(freep) char *name = NULL;
	_cleanup_(buf_free) struct buf line = {0};

	if (rendering->style->fit) {
		buf_addf(&line, "imxtract $fit_addr %s 0x%" PRIX64, module->name, module->address);
		guarded(rendering, buf_text(&line), "take out of the FIT:", module->name);
		return 0;
	}
	name = rendering->style->prefix && *rendering->style->prefix
		       ? xasprintf("%s/%s", rendering->style->prefix, module->file)
		       : xstrdup(module->file);
	buf_addf(&line, "%s ", module->load_cmd);
	if (rendering->style->dynamic)
		buf_add_text(&line, "${memaddr}");
	else
		buf_addf(&line, "0x%" PRIX64, module->address);
	buf_add_char(&line, ' ');
	ops_quote(&line, name, false);
	guarded(rendering, buf_text(&line), "load", name);
	if (rendering->style->dynamic)
		after_dynamic_load(rendering, module);
	return 0;
}

/* U-Boot reads the size as hexadecimal with or without 0x; fpga device 0 is the only one there is
   on the boards this is for. */
static int render_fpga(struct rendering *rendering, const struct op *op)
{
	const struct module *module = module_of(rendering, op);
	_cleanup_(buf_free) struct buf line = {0};

	buf_add_text(&line, "fpga load 0 ");
	add_address(rendering, module, &line);
	if (rendering->style->dynamic)
		buf_addf(&line, " ${%s_size}", module->name);
	else
		buf_addf(&line, " 0x%" PRIX64, module->file_size);
	guarded(rendering, buf_text(&line), "program", module->file);
	return 0;
}

static int render_fdt_addr(struct rendering *rendering, const struct op *op)
{
	_cleanup_(buf_free) struct buf line = {0};

	buf_add_text(&line, "fdt addr ");
	add_address(rendering, module_of(rendering, op), &line);
	guarded(rendering, buf_text(&line), "use the device tree", module_of(rendering, op)->file);
	return 0;
}

static int render_apply(struct rendering *rendering, const struct op *op)
{
	_cleanup_(buf_free) struct buf line = {0};

	if (rendering->style->edited)
		return 0;
	buf_add_text(&line, "fdt apply ");
	add_address(rendering, module_of(rendering, op), &line);
	guarded(rendering, buf_text(&line), "apply", module_of(rendering, op)->file);
	return 0;
}

static int render_resize(struct rendering *rendering, const struct op *op)
{
	(void)op;
	buf_addf(rendering->out, "fdt resize 0x%" PRIx64 "\n", rendering->style->resize);
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

	buf_addf(rendering->out, "fdt set %s ", op->path);
	for (name = op->name; *name; name++)
		buf_addf(rendering->out, *name == '#' ? "\\%c" : "%c", *name);
}

static void add_cells(struct buf *out, const struct op *op)
{
	const struct cell *cell;

	buf_add_text(out, " <");
	for (cell = op->cells; cell < op->cells + op->cell_count; cell++) {
		buf_add_text(out, cell == op->cells ? "" : " ");
		if (cell->form == 'd')
			buf_addf(out, "%" PRIu32, cell->value);
		else
			buf_addf(out, cell->form == 'x' ? "0x%" PRIx32 : "0x%" PRIX32, cell->value);
	}
	buf_add_text(out, op->spaced ? " >\n" : ">\n");
}

static int render_cells(struct rendering *rendering, const struct op *op)
{
	begin_set(rendering, op);
	add_cells(rendering->out, op);
	return check_size(rendering, op, 4 * op->cell_count);
}

static int render_reg(struct rendering *rendering, const struct op *op)
{
	static const char *const parts[] = {"addr", "size"};
	const struct module *module = module_of(rendering, op);
	size_t i;

	if (!rendering->style->dynamic) {
		begin_set(rendering, op);
		buf_addf(rendering->out,
			 " <0x%" PRIX32 " 0x%" PRIX32 " 0x%" PRIX32 " 0x%" PRIX32 " >\n",
			 (uint32_t)(module->address >> 32), (uint32_t)module->address,
			 (uint32_t)(module->size >> 32), (uint32_t)module->size);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		buf_addf(rendering->out, "setexpr %s_hi ${%s_%s} / 0x100000000\n", parts[i],
			 module->name, parts[i]);
		buf_addf(rendering->out, "setexpr %s_lo ${%s_%s} \\& 0xFFFFFFFF\n", parts[i],
			 module->name, parts[i]);
	}
	begin_set(rendering, op);
	buf_add_text(rendering->out, " <0x${addr_hi} 0x${addr_lo} 0x${size_hi} 0x${size_lo}>\n");
	return 0;
}

static int render_strings(struct rendering *rendering, const struct op *op)
{
	char **text;
	int rc;

	begin_set(rendering, op);
	buf_add_char(rendering->out, ' ');
	for (text = op->strings; *text; text++) {
		rc = check_string(rendering, op, *text);
		if (rc < 0)
			return rc;
		buf_add_char(rendering->out, ' ');
		ops_quote(rendering->out, *text, true);
	}
	buf_add_char(rendering->out, '\n');
	return 0;
}

static int render_string(struct rendering *rendering, const struct op *op)
{
	int rc = check_string(rendering, op, op->text);

	if (rc < 0)
		return rc;
	begin_set(rendering, op);
	buf_add_char(rendering->out, ' ');
	ops_quote(rendering->out, op->text, true);
	buf_add_char(rendering->out, '\n');
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
	buf_add_text(rendering->out, op->spaced ? " \n" : "\n");
	return 0;
}

static int render_mknod(struct rendering *rendering, const struct op *op)
{
	if (!rendering->style->edited)
		buf_addf(rendering->out, "fdt mknod %s %s\n", op->path, op->name);
	return 0;
}

static int render_initrd(struct rendering *rendering, const struct op *op)
{
	const struct module *module = module_of(rendering, op);

	if (rendering->style->edited)
		return 0;
	if (!rendering->style->dynamic) {
		buf_addf(rendering->out,
			 "fdt set %s linux,initrd-start <0x%" PRIx64 ">\n"
			 "fdt set %s linux,initrd-end <0x%" PRIx64 ">\n",
			 op->path, module->address, op->path, module->address + module->size);
		return 0;
	}
	/* setexpr gives bare digits whether or not its operands have a 0x. */
	buf_addf(rendering->out,
		 "setexpr initrd_start ${%s_addr} \\+ 0\n"
		 "setexpr initrd_end ${%s_addr} \\+ ${%s_size}\n"
		 "fdt set %s linux,initrd-start <0x${initrd_start}>\n"
		 "fdt set %s linux,initrd-end <0x${initrd_end}>\n",
		 module->name, module->name, module->name, op->path, op->path);
	return 0;
}

static int render_text(struct rendering *rendering, const struct op *op)
{
	buf_add_text(rendering->out, op->text);
	return 0;
}

static int (*const renderers[])(struct rendering *, const struct op *) = {
	[OP_TEXT] = render_text,         [OP_LOAD] = render_load,
	[OP_FPGA] = render_fpga,         [OP_FDT_ADDR] = render_fdt_addr,
	[OP_FDT_RESIZE] = render_resize, [OP_FDT_APPLY] = render_apply,
	[OP_MKNOD] = render_mknod,       [OP_SET] = render_set,
	[OP_INITRD] = render_initrd,
};

int ops_render(const struct ops *ops, const struct ops_style *style, struct buf *out,
	       struct err *err)
{
	struct rendering rendering = {.style = style, .out = out, .err = err};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < ops->count; i++)
		rc = renderers[ops->items[i].kind](&rendering, &ops->items[i]);
	/* Without its last newline: U-Boot adds one to a script of several lines
	 * (parse_string_outer() in common/cli_hush.c), and an empty line at the end would make
	 * the script's status 0. */
	if (rc == 0 && rendering.tail.size)
		buf_add(out, buf_text(&rendering.tail), rendering.tail.size - 1);
	buf_free(&rendering.tail);
	if (rc == 0 && buf_over(out))
		return err_set(err, ERR_CONFIG, "the boot script is too long");
	return rc;
}
