/* The values of a workload, looked up by key and type.
 *
 * An operator reads every key it has with one of the readers below. A reader checks the text, says
 * what is wrong in words, and writes down the canonical spelling of what it read; when all keys are
 * read, the canonical spellings in the order of the operator's keys are the canonical workload.
 * Where values that are spelt differently mean the same work (a stride along an axis with a single
 * output), the operator writes the simplest one back with a arguments_write_ function.
 *
 * What reads and writes values knows no operator. Strings live in the arena. */
#ifndef TE_OPS_ARGUMENTS_H
#define TE_OPS_ARGUMENTS_H

#include "te/ops/operators.h"

enum {
    MAX_OPERATOR_KEYS = 32,
    MAX_LIST = 16, /* names in one list */
};

#define MAX_ATTRIBUTE INT64_C(65535) /* of a stride, padding, dilation */

/* Checks the keys: each known, none twice, none left to the tuner's choice. */
dlt_status arguments_create(struct arena *arena, const struct operator_definition *definition,
                            const struct workload *workload, struct operator_arguments **arguments,
                            struct error *error);

/* The values that `any` stands for, as the value of this key; NULL if it may not be any. */
const char *const *arguments_alternatives(const struct operator_definition *definition,
                                          const char *key);

/* The canonical workload, once every key has been read. */
void arguments_print(struct text *text, const struct operator_arguments *arguments);

/* A size: 1 to MAX_EXTENT. Always part of the canonical text. */
dlt_status arguments_size(struct operator_arguments *arguments, const char *key, int64_t *size,
                          struct error *error);
/* An attribute that is one number from `lowest` to `highest`. */
dlt_status arguments_number(struct operator_arguments *arguments, const char *key, int64_t lowest,
                            int64_t highest, int64_t *number, struct error *error);
/* A number not below the value of the key that is its default: lda=1040 where k=1024. */
dlt_status arguments_at_least(struct operator_arguments *arguments, const char *key, int64_t lowest,
                              int64_t *number, struct error *error);
/* One number for both axes, or "2x1". */
dlt_status arguments_pair(struct operator_arguments *arguments, const char *key, int64_t lowest,
                          int64_t highest, int64_t pair[2], struct error *error);
/* One number, "2x1" (top and bottom, left and right), or "top,left,bottom,right". */
dlt_status arguments_pads(struct operator_arguments *arguments, const char *key, int64_t pads[4],
                          struct error *error);
/* A list in order, of the names in `allowed`; "none" is the empty list. `list[i]` is a row
 * number. */
dlt_status arguments_list(struct operator_arguments *arguments, const char *key,
                          const char *const *allowed, int allowed_count, int list[MAX_LIST],
                          int *count, struct error *error);
/* A set of the names in `allowed`; "none" is the empty one. */
dlt_status arguments_set(struct operator_arguments *arguments, const char *key,
                         const char *const *allowed, int allowed_count, bool *chosen,
                         struct error *error);
/* An element type. */
dlt_status arguments_type(struct operator_arguments *arguments, const char *key,
                          enum data_type *type, struct error *error);
/* The text as it stands, for values with a grammar of their own. */
const char *arguments_text(struct operator_arguments *arguments, const char *key);

void arguments_write_pair(struct operator_arguments *arguments, const char *key,
                          const int64_t pair[2]);
void arguments_write_pads(struct operator_arguments *arguments, const char *key,
                          const int64_t pads[4]);
void arguments_write_text(struct operator_arguments *arguments, const char *key, const char *value);

#endif
