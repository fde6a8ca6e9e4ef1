// SPDX-License-Identifier: MIT
/* The rules of the `usb` mapping of a board file, and which device it tells of. */
#include <string.h>

#include "base/text.h"
#include "engine/board_check.h"
#include "engine/driver.h"
#include "engine/usb_match.h"

/* "0483:df11" */
static bool parse_id(const char *text, uint16_t *vid, uint16_t *pid)
{
	uint8_t bytes[4];
	char digits[9];

	if (strlen(text) != 9 || text[4] != ':')
		return false;
	memcpy(digits, text, 4);
	memcpy(digits + 4, text + 5, 5);
	if (!text_bytes(digits, bytes, sizeof(bytes)))
		return false;
	*vid = (uint16_t)(bytes[0] << 8 | bytes[1]);
	*pid = (uint16_t)(bytes[2] << 8 | bytes[3]);
	return true;
}

static int check_path(const struct yaml *path, struct err *err)
{
	struct err why;

	if (!path || usb_path_check(path->text, NULL, NULL, &why) == 0)
		return 0;
	yaml_err(path, err, "%s", why.text);
	return err_remedy(err, "%s", why.remedy);
}

static int check_id(const struct yaml *id, struct err *err)
{
	uint16_t vid, pid;

	if (!id || parse_id(id->text, &vid, &pid))
		return 0;
	yaml_err(id, err, "'%s' is no VID:PID", id->text);
	return err_remedy(err, "write four hexadecimal digits each, as lsusb does: 0483:df11");
}

static int check_not_empty(const struct yaml *usb, const char *name, struct err *err)
{
	const struct yaml *node = yaml_get(usb, name);

	return node && !node->text[0] ? yaml_err(node, err, "'%s' is empty", name) : 0;
}

int board_check_usb(const struct yaml *usb, struct err *err)
{
	int rc = check_path(yaml_get(usb, "path"), err);

	if (rc == 0)
		rc = check_id(yaml_get(usb, "id"), err);
	if (rc == 0)
		rc = check_not_empty(usb, "serial", err);
	if (rc == 0)
		rc = check_not_empty(usb, "trace", err);
	if (rc < 0 || !usb || usb->count > 0)
		return rc;
	yaml_err(usb, err, "it does not say which device the board is");
	return err_remedy(err, "give 'path', 'serial' or 'id', or leave 'usb' out");
}

static enum usb_fit path_fit(const struct board *board, const struct usb_info *info)
{
	const char *path = yaml_text(board->usb, "path", NULL);
	char own[USB_PATH];

	if (!path)
		return USB_FIT_YES;
	if (usb_path_check(path, NULL, own, NULL) < 0 || strcmp(own, info->path) != 0)
		return USB_FIT_NO;
	return USB_FIT_YES;
}

/* On the port that is given, a stage without a serial number is the board, too. */
static enum usb_fit serial_fit(const struct board *board, const struct usb_info *info)
{
	const char *serial = yaml_text(board->usb, "serial", NULL);

	if (!serial || strcmp(serial, info->serial) == 0)
		return USB_FIT_YES;
	if (info->serial[0])
		return USB_FIT_NO;
	if (!info->described)
		return USB_FIT_MAYBE;
	return yaml_text(board->usb, "path", NULL) ? USB_FIT_YES : USB_FIT_NO;
}

static enum usb_fit id_fit(const struct board *board, const struct usb_info *info)
{
	const char *id = yaml_text(board->usb, "id", NULL);
	uint16_t vid = 0, pid = 0;

	if (!id || (parse_id(id, &vid, &pid) && vid == info->vid && pid == info->pid))
		return USB_FIT_YES;
	return USB_FIT_NO;
}

static bool says_which(const struct board *board)
{
	return yaml_get(board->usb, "path") || yaml_get(board->usb, "serial") ||
	       yaml_get(board->usb, "id");
}

enum usb_fit board_usb_fit(const struct board *board, const struct usb_info *info)
{
	const struct usb_mode *modes = board->driver->usb_modes;
	enum usb_fit worst = path_fit(board, info), serial = serial_fit(board, info);

	if (!says_which(board))
		return modes ? usb_modes_fit(modes, info) : USB_FIT_NO;
	if (serial < worst)
		worst = serial;
	return id_fit(board, info) < worst ? USB_FIT_NO : worst;
}

bool board_usb_match(const struct board *board, const struct usb_info *info)
{
	return board_usb_fit(board, info) == USB_FIT_YES;
}
