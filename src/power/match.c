// SPDX-License-Identifier: MIT
#include "power/ways.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define SAID_MAX 300

static char *flatten(const char *text, size_t size)
{
	char *flat = xmalloc(size + 1);
	size_t used = 0, i;
	unsigned char c;

	for (i = 0; i < size; i++) {
		c = (unsigned char)text[i];
		if (isspace(c) || c == '\0')
			c = ' ';
		else if (c < 32 || c == 127)
			c = '?';
		if (c != ' ' || (used && flat[used - 1] != ' '))
			flat[used++] = (char)c;
	}
	while (used && flat[used - 1] == ' ')
		used--;
	flat[used] = '\0';
	return flat;
}

char *power_said(const struct power *power, const char *text, size_t size)
{
	_cleanup_(buf_free) struct buf clean = {0};
	_cleanup_(freep) char *flat = NULL;
	size_t from, i;

	/* Hidden before it is cut, so that no half of a secret is left. A NUL would end the search.
	 */
	buf_add(&clean, text, size);
	for (i = 0; i < clean.size; i++)
		if (clean.data[i] == '\0')
			clean.data[i] = ' ';
	secrets_hide(power->secrets, &clean);
	from = clean.size > SAID_MAX ? clean.size - SAID_MAX : 0;
	flat = flatten(buf_text(&clean) + from, clean.size - from);
	return *flat ? xasprintf(": %s%s", from ? "..." : "", flat) : xstrdup("");
}

int power_pattern_compile(const struct yaml *at, const char *pattern, regex_t **regex,
			  struct err *err)
{
	char reason[128];
	int rc;

	*regex = xcalloc(1, sizeof(**regex));
	rc = regcomp(*regex, pattern, REG_EXTENDED | REG_NOSUB | REG_ICASE | REG_NEWLINE);
	if (rc == 0)
		return 0;
	regerror(rc, *regex, reason, sizeof(reason));
	free(*regex);
	*regex = NULL;
	return yaml_err(at, err, "'%s' is no pattern: %s", pattern, reason);
}

int power_match_open(struct power_match *match, const struct yaml *settings, const char *on_key,
		     const char *off_key, const char *const fallbacks[2], struct err *err)
{
	const char *on = yaml_text(settings, on_key, fallbacks ? fallbacks[0] : NULL);
	const char *off = yaml_text(settings, off_key, fallbacks ? fallbacks[1] : NULL);
	int rc = 0;

	*match = (struct power_match){0};
	if (on)
		rc = power_pattern_compile(yaml_get(settings, on_key), on, &match->on, err);
	if (rc == 0 && off)
		rc = power_pattern_compile(yaml_get(settings, off_key), off, &match->off, err);
	return rc;
}

void power_pattern_free(regex_t *regex)
{
	if (regex)
		regfree(regex);
	free(regex);
}

void power_match_free(struct power_match *match)
{
	power_pattern_free(match->on);
	power_pattern_free(match->off);
	*match = (struct power_match){0};
}

static bool matches(const regex_t *regex, const char *text)
{
	return regex && regexec(regex, text, 0, NULL, 0) == 0;
}

bool power_match_state(const struct power_match *match, const char *text, enum power_state *state)
{
	bool on = matches(match->on, text), off = matches(match->off, text);

	if (!match->off)
		off = !on;
	if (!match->on)
		on = !off;
	*state = on ? POWER_ON : POWER_OFF;
	return on != off;
}

int power_unknown_preset(const struct yaml *at, const char *const *names, const char *instead,
			 struct err *err)
{
	_cleanup_(buf_free) struct buf list = {0};
	const char *near = text_nearest(at->text, names);
	size_t i;

	for (i = 0; names[i]; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", names[i]);
	yaml_err(at, err, "there is no preset '%s'", at->text);
	if (near)
		return err_remedy(err, "did you mean '%s'?", near);
	return err_remedy(err, "known are: %s; or give %s yourself", buf_text(&list), instead);
}
