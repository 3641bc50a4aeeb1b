/* A line on the terminal that says how far a long piece of work has come. */
#ifndef SIM_CLI_PROGRESS_H
#define SIM_CLI_PROGRESS_H

#include <stdbool.h>

struct progress {
    bool is_terminal; /* standard error is one; else nothing is shown */
    bool is_shown;
    double started_s;
    double shown_s;
};

void progress_start(struct progress *progress);

/* Shows the percentage and the time left, if a second has passed since the last time. 'fraction' is
 * the part that is done, 0 while nobody knows; 'note' goes behind it. */
void progress_show(struct progress *progress, double fraction, const char *note);

/* Takes the line away. */
void progress_end(struct progress *progress);

/* "12 s", "3 min 20 s", "2 h 5 min"; for the time left. */
void progress_format_time(double seconds, char *text, unsigned long text_bytes);

#endif
