/* A file in memory that has a descriptor and no name. */
#ifndef TARGETS_JIT_NAMELESS_FILE_H
#define TARGETS_JIT_NAMELESS_FILE_H

/* Open for reading and writing, closed at exec; negative, with errno, where it fails. */
int nameless_file_open(void);

#endif
