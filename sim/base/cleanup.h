/* What must not outlive the program, on whichever way it ends: temporary files and folders are
 * removed and a child process is stopped when the program exits, runs out of memory, fails an
 * assertion or is interrupted by a signal. A signal handler gets no arguments, so this list is the
 * one piece of state that the whole process shares. */
#ifndef SIM_BASE_CLEANUP_H
#define SIM_BASE_CLEANUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CLEANUP_NONE = -1, CLEANUP_PATH_BYTES = 4096 };

/* Installs the handlers; called once, by main. Signals that the caller of the program had set to be
 * ignored stay ignored. Writing to a closed pipe or beyond a file size limit becomes an error
 * instead of a signal. */
void cleanup_install(void);

/* Notes a file, or a folder that is removed if it is empty by then; folders go after all files, the
 * last one noted first. Returns a ticket for cleanup_forget(), or CLEANUP_NONE when the list is
 * full. */
int cleanup_add_file(const char *path);
int cleanup_add_folder(const char *path);
void cleanup_forget(int ticket);

/* Notes the process group of a child to be killed; 0: there is none. */
void cleanup_set_child(pid_t group);

/* Removes and stops all that is noted. Safe in a signal handler. */
void cleanup_now(void);

/* Between these two calls signals wait: what is done there is done whole. */
void cleanup_hold_signals(void);
void cleanup_release_signals(void);

#endif
