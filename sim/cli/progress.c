#include "sim/cli/progress.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void progress_start(struct progress *progress)
{
    double now_s = monotonic_s();
    *progress = (struct progress){
        .is_terminal = isatty(STDERR_FILENO) != 0, .started_s = now_s, .shown_s = now_s};
}

void progress_format_time(double seconds, char *text, unsigned long text_bytes)
{
    assert(seconds >= 0);
    unsigned long whole = seconds < 3.6e8 ? (unsigned long)(seconds + 0.5) : 360000000UL;
    if (whole < 60) {
        snprintf(text, text_bytes, "%lu s", whole);
    } else if (whole < 3600) {
        snprintf(text, text_bytes, "%lu min %lu s", whole / 60, whole % 60);
    } else {
        snprintf(text, text_bytes, "%lu h %lu min", whole / 3600, whole / 60 % 60);
    }
}

void progress_show(struct progress *progress, double fraction, const char *note)
{
    double now_s = monotonic_s();
    if (!progress->is_terminal || now_s < progress->shown_s + 1) {
        return;
    }
    progress->shown_s = now_s;
    progress->is_shown = true;
    if (fraction > 0 && fraction <= 1) {
        char left[32];
        double passed_s = now_s - progress->started_s;
        progress_format_time(passed_s * (1 - fraction) / fraction, left, sizeof left);
        fprintf(stderr, "\r\033[K%3.0f %%, about %s left; %s", 100 * fraction, left, note);
    } else {
        fprintf(stderr, "\r\033[K%s", note);
    }
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown) {
        fprintf(stderr, "\r\033[K");
        progress->is_shown = false;
    }
}
