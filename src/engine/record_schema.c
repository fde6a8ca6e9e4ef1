// SPDX-License-Identifier: MIT
#include "engine/record_db.h"

/* Never change one that was released: add another. */
const char *const record_migrations[] = {
	"CREATE TABLE jobs ("
	" id INTEGER PRIMARY KEY,"
	" board TEXT NOT NULL, driver TEXT NOT NULL, verb TEXT NOT NULL, version TEXT NOT NULL,"
	" begun TEXT NOT NULL," /* times are RFC 3339, UTC */
	" ended TEXT,"
	" outcome TEXT," /* NULL: no result yet */
	" stage TEXT,"   /* begun last */
	" error TEXT,"
	" image TEXT, target TEXT, sha256 TEXT, ms INTEGER,"
	" touched INTEGER NOT NULL DEFAULT 0," /* a stage that writes was begun */
	" plan TEXT, digest TEXT,"             /* JSON, and its SHA-256 */
	" result TEXT);"                       /* the event, JSON */
	"CREATE TABLE checks ("
	" id INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES jobs,"
	" name TEXT NOT NULL, label TEXT, verdict TEXT NOT NULL, text TEXT, remedy TEXT);"
	"CREATE TABLE stages ("
	" id INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES jobs,"
	" name TEXT NOT NULL, label TEXT, attempt INTEGER NOT NULL,"
	" state TEXT NOT NULL," /* running, done, failed */
	" begun TEXT NOT NULL, ended TEXT, ms INTEGER, reason TEXT);"
	"CREATE TABLE events ("
	" id INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES jobs, event TEXT NOT NULL);"
	"CREATE INDEX jobs_board ON jobs (board);"
	"CREATE INDEX checks_job ON checks (job);"
	"CREATE INDEX stages_job ON stages (job);"
	"CREATE INDEX events_job ON events (job);",
	NULL,
};
