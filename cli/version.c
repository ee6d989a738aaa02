/* `dltune version`. */
#include "cli/cli.h"

#include "base/version.h"

#include <stdio.h>

dlt_status run_version(struct cli *cli, struct error *error) {
    if (cli->word_count)
        return error_set(error, DLT_ERROR_ARGUMENT, "version: takes no arguments, but got '%s'",
                         cli->words[0]);
    if (cli->options.json)
        printf("{\"version\":\"%s\",\"generator\":\"%s\"}\n", DLTUNE_VERSION, DATABASE_GENERATOR);
    else
        printf("dltune %s (code generator %s)\n", DLTUNE_VERSION, DATABASE_GENERATOR);
    return DLT_OK;
}
