#include "sim/base/cleanup.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ENTRIES = 256 };

enum entry_kind { ENTRY_FREE, ENTRY_TAKEN, ENTRY_FILE, ENTRY_FOLDER };

/* A path is written while its entry is TAKEN; the handler looks at FILE and FOLDER only. */
struct entry {
    _Atomic int kind;
    char path[CLEANUP_PATH_BYTES];
};

static struct entry entries[MAX_ENTRIES];
static _Atomic int child_group;

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGABRT};
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static int add(const char *path, enum entry_kind kind)
{
    assert(path != NULL && path[0] != '\0');
    if (strlen(path) >= CLEANUP_PATH_BYTES) {
        return CLEANUP_NONE;
    }
    for (int i = 0; i < MAX_ENTRIES; i++) {
        int expected = ENTRY_FREE;
        if (atomic_compare_exchange_strong(&entries[i].kind, &expected, ENTRY_TAKEN)) {
            strcpy(entries[i].path, path);
            atomic_store(&entries[i].kind, (int)kind);
            return i;
        }
    }
    return CLEANUP_NONE;
}

int cleanup_add_file(const char *path)
{
    return add(path, ENTRY_FILE);
}

int cleanup_add_folder(const char *path)
{
    return add(path, ENTRY_FOLDER);
}

void cleanup_forget(int ticket)
{
    assert(ticket >= CLEANUP_NONE && ticket < MAX_ENTRIES);
    if (ticket != CLEANUP_NONE) {
        assert(atomic_load(&entries[ticket].kind) != ENTRY_FREE); /* forgotten once only */
        atomic_store(&entries[ticket].kind, ENTRY_FREE);
    }
}

void cleanup_set_child(pid_t group)
{
    assert(group >= 0);
    atomic_store(&child_group, (int)group);
}

void cleanup_now(void)
{
    int group = atomic_exchange(&child_group, 0);
    if (group > 0) {
        kill(-group, SIGKILL);
    }
    for (int i = 0; i < MAX_ENTRIES; i++) {
        if (atomic_load(&entries[i].kind) == ENTRY_FILE) {
            unlink(entries[i].path);
        }
    }
    for (int i = MAX_ENTRIES - 1; i >= 0; i--) {
        if (atomic_load(&entries[i].kind) == ENTRY_FOLDER) {
            rmdir(entries[i].path);
        }
    }
}

static void on_signal(int number)
{
    cleanup_now();
    signal(number, SIG_DFL);
    raise(number);
}

void cleanup_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigfillset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++) {
        struct sigaction before;
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction(signals[i], &action, NULL);
        }
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    atexit(cleanup_now);
}

static void mask_signals(int how)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < SIGNALS; i++) {
        sigaddset(&set, signals[i]);
    }
    pthread_sigmask(how, &set, NULL);
}

void cleanup_hold_signals(void)
{
    mask_signals(SIG_BLOCK);
}

void cleanup_release_signals(void)
{
    mask_signals(SIG_UNBLOCK);
}
