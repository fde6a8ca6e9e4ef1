// SPDX-License-Identifier: MIT
#include "build/fit_json.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

static json_t *image_json(const struct fit_image_row *row)
{
	json_t *out = json_object();

	fact_text(out, "name", row->name);
	fact_text(out, "description", row->description);
	fact_text(out, "type", row->type);
	fact_text(out, "os", row->os);
	fact_text(out, "arch", row->arch);
	fact_text(out, "compression", row->compression);
	fact_number(out, "size", row->size);
	if (row->has_load)
		fact_hex(out, "load", row->load);
	if (row->has_entry)
		fact_hex(out, "entry", row->entry);
	fact_text(out, "sha256", row->sha256);
	return out;
}

static json_t *config_json(const struct fit_config_row *row)
{
	json_t *out = json_object();

	fact_text(out, "name", row->name);
	fact_text(out, "description", row->description);
	fact_text(out, "images", row->images);
	fact_flag(out, "default", row->is_default);
	return out;
}

static json_t *mark_json(const struct fit_mark *mark)
{
	json_t *out = json_object();

	fact_text(out, "path", mark->path);
	fact_text(out, "kind", mark->kind);
	fact_text(out, "algo", mark->algo);
	fact_text(out, "key", mark->hint);
	fact_text(out, "verdict", fit_verdict_names[mark->verdict]);
	fact_text(out, "note", mark->note);
	return out;
}

json_t *fit_report_json(const struct fit_report *report)
{
	json_t *out = json_object(), *images = json_array(), *configs = json_array(),
	       *marks = json_array();
	size_t i;

	fact_text(out, "description", report->description);
	if (report->has_timestamp)
		fact_number(out, "timestamp", report->timestamp);
	for (i = 0; i < report->image_count; i++)
		json_array_append_new(images, image_json(&report->images[i]));
	for (i = 0; i < report->config_count; i++)
		json_array_append_new(configs, config_json(&report->configs[i]));
	for (i = 0; i < report->mark_count; i++)
		json_array_append_new(marks, mark_json(&report->marks[i]));
	json_object_set_new(out, "images", images);
	json_object_set_new(out, "configurations", configs);
	json_object_set_new(out, "marks", marks);
	return out;
}

/* Hashes stand for themselves; a signature without its key is neither right nor wrong. */
void fit_report_checks(const struct fit_report *report, struct finding *finding)
{
	const struct fit_mark *mark;

	for (mark = report->marks; mark < report->marks + report->mark_count; mark++) {
		_cleanup_(freep) char *check = xasprintf("%s (%s)", mark->path, mark->algo);

		if (mark->verdict == FIT_GOOD || mark->verdict == FIT_BAD)
			finding_check(finding, check, mark->verdict == FIT_GOOD, "%s",
				      mark->note ? mark->note : "wrong");
	}
}
