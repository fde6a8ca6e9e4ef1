// SPDX-License-Identifier: MIT
#include "io/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define BLANKS " \t\r\n"

void words_free(char ***words)
{
	char **word;

	if (!*words)
		return;
	for (word = *words; *word; word++)
		free(*word);
	free(*words);
	*words = NULL;
}

/* What stands between the quotes; *text is moved behind the closing one. */
static int add_quoted(const char **text, struct buf *word, struct err *err)
{
	char quote = *(*text)++;

	for (; **text && **text != quote; (*text)++) {
		if (quote == '"' && **text == '\\' && strchr("\\\"$`", (*text)[1]) && (*text)[1])
			(*text)++;
		buf_add_char(word, **text);
	}
	if (!**text)
		return err_set(err, ERR_CONFIG, "a quote (%c) is not closed", quote);
	(*text)++;
	return 0;
}

static int add_word(const char **text, struct buf *word, struct err *err)
{
	int rc;

	while (**text && !strchr(BLANKS, **text)) {
		if (**text == '\'' || **text == '"') {
			rc = add_quoted(text, word, err);
			if (rc < 0)
				return rc;
			continue;
		}
		if (**text == '\\' && (*text)[1])
			(*text)++;
		buf_add_char(word, *(*text)++);
	}
	return 0;
}

int words_split(const char *text, char ***words, struct err *err)
{
	_cleanup_(words_free) char **list = xcalloc(1, sizeof(*list));
	size_t count = 0;
	int rc;

	for (text += strspn(text, BLANKS); *text; text += strspn(text, BLANKS)) {
		_cleanup_(buf_free) struct buf word = {0};

		rc = add_word(&text, &word, err);
		if (rc < 0)
			return rc;
		list = xrealloc(list, count + 2, sizeof(*list));
		list[count++] = buf_steal(&word);
		list[count] = NULL;
	}
	if (!count)
		return err_set(err, ERR_CONFIG, "no program is named");
	*words = steal(list);
	return 0;
}
