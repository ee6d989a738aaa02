/* One task in a worker: its inputs, its checker, its clock, and what is done with each
 * candidate. */
#ifndef MEASURE_SESSION_H
#define MEASURE_SESSION_H

#include "measure/candidate.h"
#include "measure/protocol.h"

struct session;

/* `shared` is a descriptor for the checker's memory, or -1. */
dlt_status session_create(const char *key, const struct start_message *start,
                          const struct candidate_maker *maker, int shared, struct session **session,
                          struct error *error);
void session_free(struct session *session); /* also of NULL */

/* Makes, checks and times a candidate. Whatever goes wrong is in the result, if the process
 * lives. */
void session_measure(struct session *session, const struct run_message *request, const char *trace,
                     struct measure_result *result);

/* Hardware counters that it can count; bits as in struct counter_source. */
unsigned session_counters(const struct session *session);

/* Bytes of the task's tensors, all copies counted: what the limit of memory scales with. */
size_t session_bytes(const struct session *session);

#endif
