// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "cli/attached.h"
#include "cli/output.h"
#include "cli/sight.h"
#include "cli/term.h"
#include "cli/verbs.h"
#include "drivers/table.h"
#include "engine/board.h"
#include "engine/events.h"
#include "io/usb_udev.h"

/* The findings are check events, so that the same reader shows them. */
struct doctor {
	struct events *events;
	const struct cli *cli;
	unsigned int failed;
};

static void tell(struct doctor *doctor, const char *name, const char *label, int rc,
		 const char *note, const struct err *err)
{
	json_t *remedy = json_text(rc < 0 && err->remedy[0] ? err->remedy : NULL);

	doctor->failed += rc < 0;
	events_emit(doctor->events, "check",
		    json_pack("{sssssssoso}", "name", name, "label", label, "verdict",
			      rc < 0 ? "fail" : "pass", "text",
			      json_text(rc < 0 ? err->text : note), "remedy", remedy));
}

struct folder {
	const char *name, *label;
	int (*get)(char **path, struct err *err);
};

static const struct folder folders[] = {
	{"config-folder", "configuration folder", path_config},
	{"state-folder", "state folder", path_state},
	{"cache-folder", "cache folder", path_cache},
};

static int check_folder(const struct folder *folder, char **path, struct err *err)
{
	int rc = folder->get(path, err);

	if (rc < 0 || access(*path, R_OK | W_OK | X_OK) < 0) {
		if (rc == 0)
			err_errno(err, ERR_HOST, "cannot use %s", *path);
		return err_remedy(err, "make it writable for you, or set ABOARD_HOME to a folder "
				       "that is");
	}
	return 0;
}

static void check_folders(struct doctor *doctor)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_(freep) char *path = NULL;
		struct err err = {0};
		int rc = check_folder(&folders[i], &path, &err);

		tell(doctor, folders[i].name, folders[i].label, rc, path, &err);
	}
}

#define TFTP_PORT  69
#define UDEVADM_MS 30000

static int bind_port(uint16_t port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -1;
	rc = bind(fd, (const struct sockaddr *)&any, sizeof(any));
	closep(&fd);
	return rc;
}

static int try_port(uint16_t port, struct err *err)
{
	bool taken;

	if (bind_port(port) == 0)
		return 0;
	taken = errno == EADDRINUSE;
	err_errno(err, ERR_HOST, "UDP port %u", port);
	if (taken)
		return err_remedy(err,
				  "end the other TFTP server ('ss -ulpn sport = :%u' names it), or "
				  "give another port in the board file",
				  port);
	return err_remedy(err,
			  "as root: setcap cap_net_bind_service=+ep \"$(command -v aboard)\", or "
			  "sysctl net.ipv4.ip_unprivileged_port_start=%u",
			  port);
}

static void check_tftp(struct doctor *doctor)
{
	struct err err = {0};
	int rc = try_port(TFTP_PORT, &err);

	tell(doctor, "tftp-port", "TFTP port", rc, "UDP port 69 can be bound", &err);
}

/* A group that lets a person use serial ports, by the port's own. */
static void check_port(struct doctor *doctor, const struct board *board)
{
	_cleanup_(freep) char *label = xasprintf("serial port of %s", board->name);
	const char *path = serial_path(board->serial);
	struct err err = {0};
	int rc = 0;

	if (!path)
		return;
	if (access(path, R_OK | W_OK) < 0) {
		rc = err_errno(&err, ERR_HOST, "%s", path);
		if (errno == EACCES)
			err_remedy(&err, "as root: usermod -aG dialout USER, then log in anew");
		else
			err_remedy(&err, "plug it in; /dev/serial/by-id has names that stay");
	}
	tell(doctor, "serial", label, rc, path, &err);
}

static void check_boards(struct doctor *doctor)
{
	_cleanup_(freep) char *note = NULL;
	struct boards boards = {0};
	struct err err = {0};
	size_t i;
	int rc = boards_load(&boards, doctor->cli->boards_file, drivers, &err);

	if (rc == 0)
		note = xasprintf("%zu board%s", boards.count, boards.count == 1 ? "" : "s");
	tell(doctor, "board-files", "board files", rc, note, &err);
	for (i = 0; rc == 0 && i < boards.count; i++)
		check_port(doctor, &boards.items[i]);
	boards_free(&boards);
}

static void check_usb(struct doctor *doctor)
{
	struct attached_access access;
	struct err err = {0};
	int rc = attached_access(doctor->cli, &access, &err);
	_cleanup_(freep) char *note = xasprintf("%zu device%s attached that a driver knows",
						access.count, access.count == 1 ? "" : "s");
	_cleanup_(freep) char *rule = access.rule;

	if (rc == 0 && access.denied) {
		rc = err_set(&err, ERR_HOST, "%zu of %zu devices cannot be opened by you",
			     access.denied, access.count);
		err_remedy(&err, "as root: aboard doctor --install-udev; or put this into %s: %s",
			   USB_UDEV_FILE, rule);
	}
	tell(doctor, "usb", "USB devices", rc, note, &err);
}

/* udev reads its rules again, and applies them to what is plugged in already. */
static const char *const reload[] = {"udevadm", "control", "--reload", NULL};
static const char *const trigger[] = {"udevadm", "trigger", "--action=change",
				      "--subsystem-match=usb", NULL};

static int run_udevadm(const char *const *argv, const struct cli *cli, struct err *err)
{
	struct process_result result;
	int rc = process_run(argv, &result, deadline_of_cancel(cli->cancel_fd, UDEVADM_MS), err);

	if (rc == 0 && result.status != 0) {
		_cleanup_(freep) char *command = process_describe(argv);

		rc = err_set(err, ERR_HOST, "'%s' failed: %s", command, buf_text(&result.out));
	}
	buf_free(&result.out);
	return rc;
}

static int install_udev(struct cli *cli, struct err *err)
{
	_cleanup_(freep) char *rules = attached_rules();
	int rc = path_write(USB_UDEV_FILE, rules, strlen(rules), 0644, err);

	if (rc < 0) {
		if (geteuid() != 0)
			err_remedy(err, "run this as root");
		return rc;
	}
	rc = run_udevadm(reload, cli, err);
	if (rc == 0)
		rc = run_udevadm(trigger, cli, err);
	if (rc < 0)
		return err_remedy(err,
				  "%s is written; devices plugged in from now on may need "
				  "'udevadm control --reload' first",
				  USB_UDEV_FILE);
	if (!cli->quiet && !cli->json)
		printf("%s\n", USB_UDEV_FILE);
	if (cli->json)
		json_print(stdout, json_pack("{ss}", "file", USB_UDEV_FILE));
	return 0;
}

static void collect(void *context, const json_t *event)
{
	json_t *check = json_copy((json_t *)(uintptr_t)event);

	json_object_del(check, "event");
	json_object_del(check, "time");
	json_array_append_new(context, check);
}

static void examine(struct doctor *doctor, struct event_sink reader)
{
	doctor->events = events_new(NULL);
	events_add(doctor->events, reader);
	check_folders(doctor);
	check_boards(doctor);
	check_tftp(doctor);
	check_usb(doctor);
	events_free(doctor->events);
}

static int run(struct cli *cli, struct err *err)
{
	struct term_settings settings = term_here(stdout, cli->quiet ? TERM_QUIET : TERM_NORMAL);
	_cleanup_(term_freep) struct term *term = NULL;
	struct doctor doctor = {.cli = cli};
	json_t *checks;

	if (args_flag(cli->args, "install-udev", false))
		return install_udev(cli, err);
	checks = json_array();
	settings.out = stdout;
	settings.colour = settings.plan_colour;
	term = term_new(&settings);
	examine(&doctor, cli->json ? (struct event_sink){collect, checks} : term_sink(term));
	if (cli->json)
		json_print(stdout, json_incref(checks));
	json_decref(checks);
	if (doctor.failed == 0)
		return 0;
	cli->reported = cli->json;
	err_set(err, ERR_HOST, "%u of the checks failed", doctor.failed);
	return err_remedy(err, "what mends each is told with it");
}

static const struct option options[] = {
	{.name = "install-udev",
	 .help = "Write " USB_UDEV_FILE
		 " so that the person at this machine, and group plugdev, may "
		 "open every USB device that a driver knows, and have udev read it. Needs root."},
	{0},
};

const struct verb verb_doctor = {
	.name = "doctor",
	.summary = "check this machine's set-up and say how to mend it",
	.description = "Checks that the folders can be written, the board files are right, the "
		       "serial ports they name can be opened by you, the TFTP port can be bound, "
		       "and USB devices that a driver knows can be opened. The exit status is 5 "
		       "when something fails.",
	.options = options,
	.run = run,
};
