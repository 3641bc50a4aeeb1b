#include "sim/report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/cleanup.h"
#include "sim/base/text.h"

bool gnuplot_is_installed(void)
{
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        char candidate[4096];
        struct stat there;
        size_t length = strcspn(path, ":");
        snprintf(candidate, sizeof candidate, "%.*s/gnuplot", (int)length, path);
        if (stat(candidate, &there) == 0 && S_ISREG(there.st_mode) &&
            access(candidate, X_OK) == 0) {
            return true;
        }
        path += length + (path[length] == ':');
    }
    return false;
}

/* An open file without a name that holds 'text', read from its beginning; -1 on failure. */
static int unnamed_file(const char *text)
{
    int descriptor = memfd_create("gnuplot", MFD_CLOEXEC);
    size_t length = strlen(text);
    for (size_t done = 0; descriptor >= 0 && done < length;) {
        ssize_t count = write(descriptor, text + done, length - done);
        if (count < 0) {
            close(descriptor);
            return -1;
        }
        done += (size_t)count;
    }
    if (descriptor >= 0) {
        lseek(descriptor, 0, SEEK_SET);
    }
    return descriptor;
}

/* The child: gnuplot with default settings only, reading 'script', in a process group of its own.
 */
static _Noreturn void become_gnuplot(const char *directory, int script, int log)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    cleanup_release_signals();
    if (dup2(script, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0 || chdir(directory) != 0 ||
        setenv("LC_ALL", "C.UTF-8", 1) != 0) {
        _exit(127);
    }
    closefrom(STDERR_FILENO + 1);
    execlp("gnuplot", "gnuplot", "-d", "-", (char *)NULL);
    _exit(127);
}

static double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Waits for the child to end; false when it took too long and was killed with its children. */
static bool wait_for(pid_t child, unsigned limit_s, int *ret_status)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    double until_s = monotonic_s() + limit_s;
    for (;;) {
        pid_t ended = waitpid(child, ret_status, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR)) {
            return true;
        }
        if (monotonic_s() > until_s) {
            kill(-child, SIGKILL);
            waitpid(child, ret_status, 0);
            return false;
        }
        nanosleep(&pause, NULL);
    }
}

/* The first line of the log that says something. */
static void first_message(int log, char *message, size_t message_bytes)
{
    char text[2048];
    ssize_t length = pread(log, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    char *rest = NULL;
    snprintf(message, message_bytes, "it gave no reason");
    for (char *line = strtok_r(text, "\r\n", &rest); line != NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        line += strspn(line, " \t^");
        if (*line != '\0') {
            snprintf(message, message_bytes, "%.150s", line);
            if (strstr(line, "line ") != NULL) {
                return;
            }
        }
    }
}

static bool run_child(const char *directory, int script, int log, unsigned limit_s,
                      struct error *error)
{
    int status = 0;
    cleanup_hold_signals();
    pid_t child = fork();
    if (child == 0) {
        become_gnuplot(directory, script, log);
    }
    if (child > 0) {
        setpgid(child, child);
        cleanup_set_child(child);
    }
    cleanup_release_signals();
    if (child < 0) {
        return error_set(error, "cannot start gnuplot: %s", strerror(errno));
    }
    bool in_time = wait_for(child, limit_s, &status);
    cleanup_set_child(0);
    if (!in_time) {
        return error_set(error, "gnuplot did not end within %u s and was stopped", limit_s);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        char message[256];
        first_message(log, message, sizeof message);
        return error_set(error, "gnuplot failed: %s", message);
    }
    return true;
}

bool gnuplot_run(const char *directory, const char *script, unsigned limit_s, struct error *error)
{
    int input = unnamed_file(script);
    int log = unnamed_file("");
    bool ok = input >= 0 && log >= 0
                  ? run_child(directory, input, log, limit_s, error)
                  : error_set(error, "cannot start gnuplot: %s", strerror(errno));
    if (input >= 0) {
        close(input);
    }
    if (log >= 0) {
        close(log);
    }
    return ok;
}
