/* Records as JSON lines, to carry them between files, machines and other programs.
 *
 * One record a line, everything it has, exactly: reading back gives the same record with the same
 * identity, so importing twice adds nothing. The schema is docs/exchange.md. */
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H

#include "base/text.h"
#include "db/db.h"

#include <stdio.h>

#define EXCHANGE_SCHEMA "dltune-record/1"

/* Appends one line, with its line end. */
dlt_status exchange_print(const struct record *record, struct text *line, struct error *error);

/* Reads one line. The record has strings of its own: record_free. DLT_ERROR_ARGUMENT: no JSON
 * object, a schema that is not known, or a key that is missing or of another kind, by name. */
dlt_status exchange_parse(const char *line, struct record *record, struct error *error);

/* Writes the records of a task (NULL: all), oldest first. */
dlt_status exchange_export(struct database *database, const char *task, FILE *file,
                           struct transfer *transfer, struct error *error);

/* Adds the records of all lines, which count as imported. A line that is no record or does not pass
 * the gate (db/gate.h) is told of with `name` and its number; then nothing is added, unless such
 * lines are to be skipped. */
dlt_status exchange_import(struct database *database, FILE *file, const char *name,
                           const struct taking *taking, struct transfer *transfer,
                           struct error *error);

#endif
