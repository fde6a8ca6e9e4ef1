// SPDX-License-Identifier: MIT
#include "base/json.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* Length of the UTF-8 sequence that a byte begins; 0: none begins with it. */
static size_t sequence(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static json_t *mend(const char *text)
{
	_cleanup_(buf_free) struct buf good = {0};
	size_t length, rest = strlen(text);
	json_t *one;

	while (rest) {
		length = sequence((unsigned char)*text);
		one = length && length <= rest ? json_stringn(text, length) : NULL;
		if (!one)
			length = 1;
		buf_add(&good, one ? text : "\xef\xbf\xbd", one ? length : 3);
		json_decref(one);
		text += length;
		rest -= length;
	}
	return json_string(buf_text(&good));
}

json_t *json_text(const char *text)
{
	json_t *string;

	if (!text)
		return json_null();
	string = json_string(text);
	return string ? string : mend(text);
}
