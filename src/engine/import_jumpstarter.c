// SPDX-License-Identifier: MIT
#include "engine/import_jumpstarter.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "engine/import_parts.h"

#define NAME_MAX_LENGTH 64
#define DEPTH_MAX       8
#define FLASHERS_MAX    64

struct flasher {
	const char *class, *bundle;
};

static const struct flasher flashers[] = {
	{"BaseFlasher", "quay.io/jumpstarter-dev/jumpstarter-flasher-test:latest"},
	{"TIJ784S4Flasher", "quay.io/jumpstarter-dev/jumpstarter-flasher-ti-j784s4:latest"},
	{"RCarS4Flasher", "quay.io/jumpstarter-dev/jumpstarter-flasher-rcar-s4:latest"},
	{0},
};

/* Drivers of the tree that are flashers. */
struct found {
	const struct yaml *nodes[FLASHERS_MAX];
	size_t count;
};

static const struct flasher *flasher_of(const struct yaml *node)
{
	const char *type = yaml_text(node, "type", ""), *class = import_class(node);
	const struct flasher *row;

	if (!text_starts(type, "jumpstarter_driver_flashers."))
		return NULL;
	for (row = flashers; row->class; row++)
		if (text_equal(class, row->class))
			return row;
	return NULL;
}

static bool is_class(const struct yaml *node, const char *module, const char *class)
{
	return text_starts(yaml_text(node, "type", ""), module) &&
	       text_equal(import_class(node), class);
}

static void find_flashers(const struct yaml *children, struct found *found, int depth)
{
	size_t i;

	for (i = 0; children && children->kind == YAML_MAP && i < children->count; i++) {
		if (flasher_of(children->items[i]) && found->count < FLASHERS_MAX)
			found->nodes[found->count++] = children->items[i];
		if (depth < DEPTH_MAX)
			find_flashers(yaml_get(children->items[i], "children"), found, depth + 1);
	}
}

/* A name as board files want it: lower case, and '-' for what it may not have. */
static char *board_name(const char *from, const char *suffix)
{
	_cleanup_(freep) char *whole =
		xasprintf("%s%s%s", from, suffix ? "-" : "", suffix ? suffix : "");
	char *c, *start = whole;

	for (c = whole; *c; c++) {
		*c = (char)tolower((unsigned char)*c);
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			*c = '-';
	}
	while (*start && !isalnum((unsigned char)*start))
		start++;
	return *start ? xstrndup(start, NAME_MAX_LENGTH) : xstrdup("board");
}

/* The exporter's own name, or that of its file. */
static char *exporter_name(const struct yaml *root)
{
	const char *name = yaml_text(yaml_get(root, "metadata"), "name", NULL);
	const char *base = path_base(root->file);

	return name && *name ? xstrdup(name) : xstrndup(base, strcspn(base, "."));
}

static void add_labels(struct import *import, const struct yaml *root, struct buf *out)
{
	const struct yaml *labels = yaml_get(yaml_get(root, "metadata"), "labels"), *label;
	size_t i;
	bool any = false;

	for (i = 0; labels && labels->kind == YAML_MAP && i < labels->count; i++) {
		label = labels->items[i];
		if (label->kind != YAML_SCALAR) {
			import_note(import, label, "the label '%s' is not a text", label->key);
			continue;
		}
		if (!any)
			buf_add_text(out, "labels:\n");
		any = true;
		import_add(out, 2, label->key, label->text);
	}
}

/* pySerial's addresses. What is left out of one is noted. */
static void add_url(struct import *import, const struct yaml *url, struct buf *out)
{
	static const char *const foreign[] = {"loop://", "hwgrep://", "spy://", "alt://",
					      "cp2110://"};
	size_t length = strcspn(url->text, "?"), i;
	_cleanup_(freep) char *plain = NULL;

	for (i = 0; i < ARRAY_SIZE(foreign); i++)
		if (text_starts(url->text, foreign[i])) {
			import_note(import, url,
				    "'%s' is an address of pySerial only; give the port itself "
				    "under 'serial: url:'",
				    url->text);
			return;
		}
	if (strstr(url->text, "://") && url->text[length]) {
		import_note(import, url, "'%s' of the address was left out", url->text + length);
		plain = xstrndup(url->text, length);
	}
	import_add(out, 2, "url", plain ? plain : url->text);
}

static void add_serial(struct import *import, const struct yaml *node, struct buf *out)
{
	static const struct import_field fields[] = {
		{"url", NULL, NULL},
		{"baudrate", "baud", NULL},
		{"check_present", NULL, NULL}, /* that it opens is always checked */
		{"cps", NULL, "what is sent is paced by its echo here"},
		{"disable_hupcl", NULL, "the port is set up by the console itself here"},
		{0},
	};
	const struct yaml *config = yaml_get(node, "config"), *url = yaml_get(config, "url");
	_cleanup_(buf_free) struct buf serial = {0};

	if (!node)
		return;
	if (!is_class(node, "jumpstarter_driver_pyserial.", "PySerial")) {
		import_note(
			import, node,
			"the serial driver %s has no counterpart here; add 'serial: {url: ...}'",
			yaml_text(node, "type", "without a type"));
		return;
	}
	if (url && url->kind == YAML_SCALAR)
		add_url(import, url, &serial);
	else
		import_note(import, node, "there is no 'url' of the serial port");
	if (!serial.size)
		return;
	import_fields(import, config, fields, &serial, 2);
	buf_addf(out, "serial:\n%s", buf_text(&serial));
}

static void add_port(struct import *import, const struct yaml *config, const char *key,
		     struct buf *out)
{
	const struct yaml *port = yaml_get(config, "port");
	uint64_t number;

	if (!port)
		return;
	if (port->kind == YAML_SCALAR && text_u64(port->text, UINT16_MAX, &number))
		import_add(out, 2, key, port->text);
	else
		import_note(import, port, "this is not a port");
}

static void add_host(struct import *import, const struct yaml *config, bool *known, struct buf *out)
{
	const struct yaml *host = yaml_get(config, "host");
	struct in_addr address;

	if (!host || host->kind != YAML_SCALAR || !*host->text)
		return;
	if (inet_pton(AF_INET, host->text, &address) != 1)
		import_note(import, host, "'%s' is not an IPv4 address and was left out",
			    host->text);
	else if (!*known)
		import_add(out, 2, "host_address", host->text);
	*known = true;
}

/* The servers that a flasher has as children; without them theirs are the defaults. */
static void add_network(struct import *import, const struct yaml *children, struct buf *out)
{
	static const struct import_field fields[] = {
		{"host", NULL, NULL},
		{"port", NULL, NULL},
		{"root_dir", NULL, "what is served needs no folder here"},
		{"remove_created_on_close", NULL, NULL}, /* nothing is left behind */
		{"timeout", NULL, NULL},                 /* of one request of its server */
		{0},
	};
	static const char *const names[][2] = {{"tftp", "tftp_port"}, {"http", "http_port"}};
	_cleanup_(buf_free) struct buf network = {0};
	const struct yaml *server, *config;
	bool host_known = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		server = yaml_get(children, names[i][0]);
		server = server ? import_driver(import, server) : NULL;
		config = yaml_get(server, "config");
		import_fields(import, config, fields, &network, 2);
		add_host(import, config, &host_known, &network);
		add_port(import, config, names[i][1], &network);
	}
	if (network.size)
		buf_addf(out, "network:\n%s", buf_text(&network));
}

/* Children of a flasher besides those that become keys of their own. */
static void note_children(struct import *import, const struct yaml *children)
{
	static const char *const known[] = {"serial", "power", "tftp", "http", "uboot"};
	const struct yaml *child;
	size_t i, j;

	for (i = 0; children && children->kind == YAML_MAP && i < children->count; i++) {
		child = children->items[i];
		for (j = 0; j < ARRAY_SIZE(known) && strcmp(known[j], child->key) != 0; j++)
			;
		if (j == ARRAY_SIZE(known))
			import_note(import, child, "the child '%s' was left out", child->key);
	}
	child = yaml_get(yaml_get(yaml_get(children, "uboot"), "config"), "prompt");
	if (child)
		import_note(import, child,
			    "'prompt' of U-Boot was left out: see the keys of the driver uboot");
}

#define NO_FOLDER \
	"no folder is needed here: bundles are in aboard's cache, and files are served from it"

static void add_bundle(struct import *import, const struct yaml *node, struct buf *out)
{
	static const struct import_field fields[] = {
		{"flasher_bundle", NULL, NULL},
		{"manifest", "manifest", NULL},
		{"variant", "variant", NULL},
		{"default_target", NULL, NULL},
		{"cache_dir", NULL, NO_FOLDER},
		{"tftp_dir", NULL, NO_FOLDER},
		{"http_dir", NULL, NO_FOLDER},
		{"cacert", NULL, "give it when flashing: --cacert FILE"},
		{0},
	};
	const struct yaml *config = yaml_get(node, "config"), *at = config ? config : node;
	const char *ref = yaml_text(config, "flasher_bundle", NULL);
	const char *target = yaml_text(config, "default_target", NULL);

	if (!ref || !*ref) {
		ref = flasher_of(node)->bundle;
		import_note(import, at, "the bundle is the default of %s: %s", import_class(node),
			    ref);
	}
	buf_add_text(out, "bundle:\n");
	import_add(out, 2, "ref", ref);
	import_fields(import, config, fields, out, 2);
	if (target && *target)
		import_add(out, 0, "default_target", target);
}

static bool is_power(const struct yaml *node)
{
	static const char *const modules[] = {"_power.",   "_snmp.",      "_yepkit.",
					      "_tasmota.", "_energenie.", "_noyito_relay."};
	const char *type = yaml_text(node, "type", "");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modules); i++)
		if (strstr(type, modules[i]))
			return true;
	return is_class(node, "jumpstarter_driver_gpiod.", "PowerSwitch");
}

static bool is_serial(const struct yaml *node)
{
	return text_starts(yaml_text(node, "type", ""), "jumpstarter_driver_pyserial.");
}

/* The first driver in the tree that will do, for an exporter without a flasher. */
static const struct yaml *find_driver(const struct yaml *children,
				      bool (*fits)(const struct yaml *node), int depth)
{
	const struct yaml *hit = NULL;
	size_t i;

	for (i = 0; !hit && children && children->kind == YAML_MAP && i < children->count; i++) {
		if (fits(children->items[i]))
			hit = children->items[i];
		else if (depth < DEPTH_MAX)
			hit = find_driver(yaml_get(children->items[i], "children"), fits,
					  depth + 1);
	}
	return hit;
}

/* A child of the flasher by its name. */
static const struct yaml *child_of(struct import *import, const struct yaml *node, const char *name)
{
	const struct yaml *child = yaml_get(yaml_get(node, "children"), name);

	if (!child)
		import_note(import, node, "the flasher has no child '%s'", name);
	return child ? import_driver(import, child) : NULL;
}

static void add_board(struct import *import, const struct yaml *root, const struct yaml *node,
		      struct buf *out)
{
	const char *description = yaml_text(root, "description", NULL);
	const struct yaml *serial, *power;

	serial = node ? child_of(import, node, "serial")
		      : import_driver(import, find_driver(import->export, is_serial, 0));
	power = node ? child_of(import, node, "power")
		     : import_driver(import, find_driver(import->export, is_power, 0));
	import_add(out, 0, "name", import->board);
	if (description && *description)
		import_add(out, 0, "description", description);
	add_labels(import, root, out);
	import_add(out, 0, "driver", "uboot");
	add_serial(import, serial, out);
	import_power(import, power, out);
	if (node) {
		add_network(import, yaml_get(node, "children"), out);
		add_bundle(import, node, out);
		note_children(import, yaml_get(node, "children"));
	} else {
		import_note(import, import->export,
			    "there is no flasher: add 'bundle', or choose another driver");
	}
	if (import->secrets.size)
		buf_addf(out, "secrets:\n%s", buf_text(&import->secrets));
}

static bool was_used(const struct import *import, const struct yaml *node)
{
	size_t i;

	for (i = 0; i < import->used_count; i++)
		if (import->used[i] == node)
			return true;
	return false;
}

static bool has_used_child(const struct import *import, const struct yaml *node, int depth)
{
	const struct yaml *children = yaml_get(node, "children");
	size_t i;

	for (i = 0; children && children->kind == YAML_MAP && i < children->count; i++)
		if (was_used(import, children->items[i]) ||
		    (depth < DEPTH_MAX && has_used_child(import, children->items[i], depth + 1)))
			return true;
	return false;
}

/* Drivers that no board has a place for. */
static void note_unused(struct import *import, const struct yaml *children, int depth)
{
	const struct yaml *node;
	size_t i;

	for (i = 0; children && children->kind == YAML_MAP && i < children->count; i++) {
		node = children->items[i];
		if (was_used(import, node))
			continue;
		if (depth < DEPTH_MAX && has_used_child(import, node, depth))
			note_unused(import, yaml_get(node, "children"), depth + 1);
		else
			import_note(import, node, "the driver '%s' (%s) was left out", node->key,
				    yaml_text(node, "type", "several"));
	}
}

static void note_exporter(struct import *import, const struct yaml *root)
{
	static const struct import_field fields[] = {
		{"apiVersion", NULL, NULL},
		{"kind", NULL, NULL},
		{"metadata", NULL, NULL},
		{"description", NULL, NULL},
		{"export", NULL, NULL},
		{"motd", NULL, "there is no greeting here"},
		{"endpoint", NULL, "no controller is needed here"},
		{"token", NULL, "no controller is needed here"},
		{"tls", NULL, "no controller is needed here"},
		{"grpcOptions", NULL, "no controller is needed here"},
		{"hooks", NULL, "there are no hooks around a lease here"},
		{"failureDetection", NULL, "nothing runs all the time here"},
		{"exitOnLeaseEnd", NULL, "nothing runs all the time here"},
		{0},
	};
	_cleanup_(buf_free) struct buf none = {0};

	import_fields(import, root, fields, &none, 0);
}

static int check_exporter(const struct yaml *root, struct err *err)
{
	const struct yaml *export = yaml_get(root, "export");
	const char *kind = yaml_text(root, "kind", NULL);

	if (kind && strcmp(kind, "ExporterConfig") != 0) {
		yaml_err(root, err, "this is '%s', not an exporter's configuration", kind);
		return err_remedy(err, "import the file that has 'kind: ExporterConfig' and "
				       "'export:', which is on the exporter's machine");
	}
	if (!export || export->kind != YAML_MAP || export->count == 0) {
		yaml_err(export ? export : root, err, "there is no 'export:' with drivers");
		return err_remedy(err, "give the configuration of a Jumpstarter exporter");
	}
	return 0;
}

/* Whether another flasher has the same key, so that it alone makes no name. */
static bool key_is_shared(const struct found *found, size_t index)
{
	size_t i;

	for (i = 0; i < found->count; i++)
		if (i != index && strcmp(found->nodes[i]->key, found->nodes[index]->key) == 0)
			return true;
	return false;
}

static char *name_of(const struct yaml *root, const struct found *found, size_t index)
{
	_cleanup_(freep) char *name = exporter_name(root), *numbered = NULL;

	if (found->count < 2)
		return board_name(name, NULL);
	if (!key_is_shared(found, index))
		return board_name(name, found->nodes[index]->key);
	numbered = xasprintf("%s-%zu", found->nodes[index]->key, index + 1);
	return board_name(name, numbered);
}

static void import_boards(struct import *import, const struct yaml *root, const struct found *found,
			  struct buf *out)
{
	size_t count = found->count ? found->count : 1, i;

	for (i = 0; i < count; i++) {
		_cleanup_(freep) char *name = name_of(root, found, i);

		import->board = name;
		if (found->count)
			import_driver(import, found->nodes[i]);
		if (i > 0)
			buf_add_text(out, "---\n");
		add_board(import, root, found->count ? found->nodes[i] : NULL, out);
		buf_free(&import->secrets);
	}
	note_exporter(import, root);
	note_unused(import, import->export, 0);
}

static int import_root(const struct yaml *root, struct buf *board_yaml, struct buf *notes,
		       struct err *err)
{
	_cleanup_(import_free) struct import import = {.export = yaml_get(root, "export")};
	struct found found = {0};
	int rc = check_exporter(root, err);

	if (rc < 0)
		return rc;
	find_flashers(import.export, &found, 0);
	if (!found.count && !find_driver(import.export, is_serial, 0) &&
	    !find_driver(import.export, is_power, 0))
		return yaml_err(import.export, err,
				"no driver here is of use to a board: no flasher, serial port or "
				"power");
	buf_addf(board_yaml, "# From the Jumpstarter exporter %s.\n", path_base(root->file));
	import_boards(&import, root, &found, board_yaml);
	import_write_notes(&import, root->file, notes);
	return 0;
}

int import_jumpstarter_text(const char *file, const void *data, size_t size, struct buf *board_yaml,
			    struct buf *notes, struct err *err)
{
	struct yaml **roots;
	size_t count;
	int rc = yaml_parse(file, data, size, &roots, &count, err);

	if (rc < 0)
		return rc;
	if (count > 1)
		rc = yaml_err(roots[1], err, "an exporter's configuration is one document");
	else
		rc = import_root(roots[0], board_yaml, notes, err);
	yaml_free_all(roots, count);
	return rc;
}

int import_jumpstarter(const char *path, struct buf *board_yaml, struct buf *notes, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	int rc = path_read(path, YAML_FILE_MAX, &text, err);

	if (rc < 0)
		return rc;
	return import_jumpstarter_text(path, buf_text(&text), text.size, board_yaml, notes, err);
}
