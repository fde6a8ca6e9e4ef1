// SPDX-License-Identifier: MIT
#include "cli/output.h"

#include "base/json.h"

static void take(void *context, const json_t *event)
{
	FILE *out = context;

	json_dumpf(event, out, JSON_COMPACT);
	fputc('\n', out);
	fflush(out);
}

struct event_sink json_sink(FILE *out)
{
	return (struct event_sink){.take = take, .context = out};
}

void json_print(FILE *out, json_t *document)
{
	take(out, document);
	json_decref(document);
}

static const char *outcome_of(enum err_kind kind)
{
	if (kind == ERR_CANCELLED)
		return "cancelled";
	return kind == ERR_REFUSED ? "refused" : "failed";
}

static json_t *error_json(const struct err *err)
{
	return json_pack("{sssoso}", "kind", err_kind_name(err->kind), "text", json_text(err->text),
			 "remedy", json_text(err->remedy[0] ? err->remedy : NULL));
}

void json_print_err(FILE *out, const struct err *err)
{
	struct events *events = events_new(NULL);

	events_add(events, json_sink(out));
	events_emit(events, "result",
		    json_pack("{sssosisis[]}", "outcome", outcome_of(err->kind), "error",
			      error_json(err), "exit", err_exit_status(err->kind), "ms", 0,
			      "writes"));
	events_free(events);
}
