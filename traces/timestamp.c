#include "traces/timestamp.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <time.h>

#include "sim/base/text.h"

static const struct {
    const char *name;
    double seconds;
} units[] = {[TIME_UNIT_UNKNOWN] = {"?", 0},
             [TIME_UNIT_S] = {"s", 1},
             [TIME_UNIT_MS] = {"ms", 1e-3},
             [TIME_UNIT_US] = {"us", 1e-6},
             [TIME_UNIT_NS] = {"ns", 1e-9}};

bool time_unit_find(const char *name, enum time_unit *ret_unit, struct error *error)
{
    for (int unit = TIME_UNIT_S; unit <= TIME_UNIT_NS; unit++) {
        if (text_equal(name, units[unit].name)) {
            *ret_unit = (enum time_unit)unit;
            return true;
        }
    }
    return error_set(error, "--time-unit must be s, ms, us or ns, got '%s'", name);
}

const char *time_unit_name(enum time_unit unit)
{
    return units[unit].name;
}

double time_unit_seconds(enum time_unit unit)
{
    assert(unit != TIME_UNIT_UNKNOWN);
    return units[unit].seconds;
}

enum time_unit time_unit_of_epoch(double value)
{
    for (int unit = TIME_UNIT_S; unit <= TIME_UNIT_NS; unit++) {
        double seconds = value * units[unit].seconds;
        if (seconds >= 1e9 && seconds < 4e9) {
            return (enum time_unit)unit;
        }
    }
    return TIME_UNIT_UNKNOWN;
}

/* Exactly 'count' digits, then 'end' unless that is 0; moves on behind both. */
static bool read_digits(const char **at, int count, char end, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < count; i++, ++*at) {
        if (!isdigit((unsigned char)**at)) {
            return false;
        }
        value = 10 * value + (**at - '0');
    }
    *ret_value = value;
    if (end == '\0') {
        return true;
    }
    return *(*at)++ == end;
}

/* ".1234567", if it is there. */
static bool read_fraction(const char **at, double *ret_fraction)
{
    *ret_fraction = 0;
    if (**at != '.') {
        return true;
    }
    ++*at;
    double unit = 0.1;
    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    for (; isdigit((unsigned char)**at); ++*at) {
        *ret_fraction += unit * (**at - '0');
        unit /= 10;
    }
    return true;
}

/* "Z", "+02:00", "+0200", "+02", " UTC" or nothing, up to the end of the text. */
static bool read_zone(const char *at, int *ret_offset_s)
{
    int hours = 0;
    int minutes = 0;
    *ret_offset_s = 0;
    if (*at == '\0' || text_equal(at, "Z") || text_equal(at, "z") || text_equal(at, " UTC")) {
        return true;
    }
    if (*at != '+' && *at != '-') {
        return false;
    }
    int sign = *at++ == '-' ? -1 : 1;
    if (!read_digits(&at, 2, '\0', &hours)) {
        return false;
    }
    at += *at == ':';
    if (*at != '\0' && !read_digits(&at, 2, '\0', &minutes)) {
        return false;
    }
    *ret_offset_s = sign * (3600 * hours + 60 * minutes);
    return *at == '\0' && hours <= 18 && minutes < 60;
}

bool timestamp_parse(const char *text, double *ret_s)
{
    struct tm day = {.tm_isdst = 0};
    double fraction = 0;
    int offset_s = 0;
    if (!read_digits(&text, 4, '-', &day.tm_year) || !read_digits(&text, 2, '-', &day.tm_mon) ||
        !read_digits(&text, 2, '\0', &day.tm_mday) || (*text != ' ' && *text != 'T')) {
        return false;
    }
    text++;
    if (!read_digits(&text, 2, ':', &day.tm_hour) || !read_digits(&text, 2, ':', &day.tm_min) ||
        !read_digits(&text, 2, '\0', &day.tm_sec) || !read_fraction(&text, &fraction) ||
        !read_zone(text, &offset_s)) {
        return false;
    }
    day.tm_year -= 1900;
    day.tm_mon -= 1;
    struct tm same = day;
    time_t seconds = timegm(&same);
    if (same.tm_mday != day.tm_mday || same.tm_mon != day.tm_mon || same.tm_hour != day.tm_hour ||
        same.tm_min != day.tm_min || same.tm_sec != day.tm_sec) {
        return false; /* no such day or time, as on 31 February */
    }
    *ret_s = (double)(seconds - offset_s) + fraction;
    return true;
}
