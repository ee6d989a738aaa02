/* Running other programs; see program.h. */
#include "program.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int program_run_in(const char *folder, const char *const *words, const char *output) {
    int status = 0;
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child == 0) {
        int file = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        dup2(file, 1);
        dup2(file, 2);
        if (folder && chdir(folder) != 0)
            _exit(127);
        execvp(words[0], (char *const *)words);
        _exit(127);
    }
    if (waitpid(child, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int program_run(const char *const *words, const char *output) {
    return program_run_in(NULL, words, output);
}

bool program_make_folder(const char *path) {
    return mkdir(path, 0755) == 0;
}
