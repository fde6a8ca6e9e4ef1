// SPDX-License-Identifier: MIT
#include "cli/help.h"

#include "base/mem.h"

static const char *const type_names[] = {
	[KEY_TEXT] = "text",
	[KEY_BOOL] = "true or false",
	[KEY_UINT] = "number",
	[KEY_SIZE] = "size, like 64K or 16MiB",
	[KEY_DURATION] = "time, like 90, 250ms or 5m; a bare number is seconds",
	[KEY_SECRET] = "name of an entry of secrets",
	[KEY_TEXTS] = "text, or list of texts",
	[KEY_TEXT_MAP] = "mapping of names to texts",
	[KEY_MAP] = "mapping",
	[KEY_LIST] = "list of mappings",
	[KEY_ANY] = "any",
};

static const char example[] = "name: lab3\n"
			      "driver: uboot\n"
			      "serial: /dev/serial/by\\-id/usb\\-FTDI_lab3\n"
			      "power:\n"
			      "  type: command\n"
			      "  \"on\": [pdu, \"on\", \"3\"]\n"
			      "  \"off\": [pdu, \"off\", \"3\"]\n"
			      "bundle: oci://registry.example.com/flash/lab3:1\n";

static void add_key(struct buf *out, const struct key *key)
{
	buf_add_text(out, ".TP\n.B ");
	man_text(out, key->name);
	buf_addf(out, "\n(%s%s", type_names[key->type], key->required ? "; required" : "");
	if (key->fallback) {
		buf_add_text(out, "; default ");
		man_text(out, key->fallback);
	}
	buf_add_text(out, ")\n");
	if (key->help)
		man_fill(out, key->help);
}

static void add_keys(struct buf *out, const struct key *keys, unsigned int depth)
{
	for (; keys && keys->name; keys++) {
		add_key(out, keys);
		if (!keys->sub || depth >= YAML_DEPTH_MAX)
			continue;
		buf_add_text(out, ".RS\n");
		add_keys(out, keys->sub, depth + 1);
		buf_add_text(out, ".RE\n");
	}
}

void man_yaml(const struct program *program, const struct man_keys *tables, size_t count,
	      struct buf *out)
{
	_cleanup_(freep) char *page = xasprintf("%s.yaml", program->name);
	size_t i;

	man_begin(out, program, page, 5, "board files");
	buf_add_text(out, ".SH DESCRIPTION\n");
	man_paragraphs(out,
		       "A board file says which boards there are and how each is reached. It is "
		       "YAML: one board as a mapping, several as several documents or as a list "
		       "under boards. An unknown key, a value of the wrong type and a missing key "
		       "are errors with file, line and column.\n\n"
		       "Without --boards, ./aboard.yaml is read if it is there, and every *.yaml "
		       "file of the folder boards in the configuration folder.");
	for (i = 0; i < count; i++) {
		buf_add_text(out, ".SH \"");
		man_text(out, tables[i].title);
		buf_add_text(out, "\"\n");
		man_paragraphs(out, tables[i].summary);
		add_keys(out, tables[i].keys, 0);
	}
	buf_addf(out, ".SH EXAMPLES\n.EX\n%s.EE\n", example);
	buf_addf(out, ".SH SEE ALSO\n.BR %s (1)\n", program->name);
}
