// SPDX-License-Identifier: MIT
#include "cli/build_notes.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/term.h"

/* What $PWD is to a shell: the folder we are in, even if the one who called us says otherwise. */
char **build_environment(void)
{
	char here[PATH_MAX] = "";
	const char *said = getenv("PWD");
	size_t count = 0;
	char **copy;

	while (environ && environ[count])
		count++;
	copy = xcalloc(count + 2, sizeof(*copy));
	if (!(said && said[0] == '/' && path_same(said, ".")) && getcwd(here, sizeof(here)))
		said = here;
	/* The first one counts. */
	copy[0] = xasprintf("PWD=%s", said ? said : "");
	for (count = 0; environ && environ[count]; count++)
		copy[count + 1] = xstrdup(environ[count]);
	return copy;
}

void build_free_texts(char ***texts)
{
	char **text;

	for (text = *texts; text && *text; text++)
		free(*text);
	free(*texts);
}

void build_print_notes(const struct cli *cli, const struct notes *notes)
{
	bool colour = term_has_colour(stderr);
	size_t i;

	for (i = 0; i < notes->count; i++) {
		if (notes->items[i].level == NOTE_NOTICE) {
			if (!cli->json && !cli->quiet)
				printf("%s\n", notes->items[i].text);
		} else if (!cli->quiet) {
			fprintf(stderr, "%s!%s ", colour_begin(COLOUR_WARN, colour),
				colour_end(colour));
			print_clean(stderr, notes->items[i].text, 2);
			fputc('\n', stderr);
		}
	}
}

json_t *build_notes_json(const struct notes *notes)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < notes->count; i++)
		json_array_append_new(
			list, json_pack("{s:s,s:o}", "level",
					notes->items[i].level == NOTE_NOTICE ? "notice" : "warning",
					"text", json_text(notes->items[i].text)));
	return list;
}
