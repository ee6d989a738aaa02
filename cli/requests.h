/* What a user asks for in one workload: a task, or where the text says `any` the tasks it stands
 * for (te/alternatives.h), of which the fastest is meant. */
#ifndef CLI_REQUESTS_H
#define CLI_REQUESTS_H

#include "cli/cli.h"
#include "te/alternatives.h"

struct request {
    const char *key; /* its own: canonical text with `any`, target, threads */
    int count;
    struct task *tasks[MAX_ALTERNATIVES];
    struct task shown; /* one of them under the request's key: for what users see; borrowed */
};

struct request_list {
    struct request **requests;
    int count, capacity;
};

dlt_status request_create(const char *workload, const char *target, int threads,
                          struct request **request, struct error *error);
void request_free(struct request *request); /* also of NULL */

/* The workload on the command line. */
dlt_status cli_request(struct cli *cli, struct request **request, struct error *error);

/* Fills and answers `shown` with the task of that number. */
const struct task *request_show(struct request *request, int number);

/* `path` "-" is standard input. A line is a workload; '#' starts a comment, empty lines are
 * skipped. Messages name file and line.
 */
dlt_status request_list_read(struct cli *cli, const char *path, struct request_list *list,
                             struct error *error);
/* Takes the request over, in case of failure too. */
dlt_status request_list_add(struct request_list *list, struct request *request,
                            struct error *error);
void request_list_free(struct request_list *list);

#endif
