/* What the parsers of the text form share: a place in the text, the names in scope, and errors.
 *
 * Recursive descent. Where a condition or a value may stand, the parser tries a condition, goes
 * back and tries a value; of all failures it reports the one that got furthest, which is what the
 * writer of the text meant. */
#ifndef TE_PARSE_READER_H
#define TE_PARSE_READER_H

#include "te/expression.h"

enum {
    MAX_NESTING = 200, /* of parentheses and calls; more than MAX_VALUE_DEPTH and MAX_INDEX_DEPTH */
    MAX_BODY_NODES = 4096, /* of one tensor's body */
    MAX_INDEX_TERMS = 64,
};

struct reader {
    struct expression *expression;
    const char *text, *at;
    struct error error;
    const char *furthest; /* where `error` was met; NULL before any */
    int nesting, node_count;
    int scope_count; /* axes that may be used here */
    const struct variable *scope[2 * MAX_RANK];
    enum data_type type; /* of the tensor, hence of numbers without a suffix */
};

/* Records a failure at `at` unless one further on is known; returns DLT_ERROR_ARGUMENT. */
dlt_status reader_fail(struct reader *reader, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "expected WHAT, found ..." here. */
dlt_status reader_expected(struct reader *reader, const char *what);

void reader_skip_space(struct reader *reader);
bool reader_accept(struct reader *reader, const char *sign);
dlt_status reader_require(struct reader *reader, const char *sign);
/* Bytes of the name that starts here; 0 if none does. */
int reader_name_length(const struct reader *reader);
bool reader_at_word(const struct reader *reader, const char *word);
dlt_status reader_name(struct reader *reader, const char *what, char name[MAX_NAME]);
dlt_status reader_integer(struct reader *reader, const char *what, int64_t least, int64_t most,
                          int64_t *number);
dlt_status reader_number(struct reader *reader, double *number);
dlt_status reader_type(struct reader *reader, enum data_type *type);

/* Room for one level of nesting, given back by reader_leave. */
dlt_status reader_enter(struct reader *reader);
void reader_leave(struct reader *reader);

dlt_status parse_index(struct reader *reader, const struct affine **index);
/* Whether an index that was made of parsed ones is still small enough to be read again. */
dlt_status reader_check_index(struct reader *reader, const struct affine *index);
dlt_status parse_value(struct reader *reader, const struct value **value);

#endif
