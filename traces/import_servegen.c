/* ServeGen (Alibaba) describes clients: for windows of some minutes their rate and the family of
 * gaps between their requests, for windows of some hours the distributions of their lengths.
 * Requests are drawn from these, lengths independently of each other, as no joint distribution is
 * published. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/json_lines.h"
#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "traces/import.h"

#define RATE_WINDOW_S 600
#define LENGTH_WINDOW_S 21600

enum { FIELDS = 3, INPUT_TOKENS = 0, OUTPUT_TOKENS = 1, REASON_RATIO = 2, MAX_CLIENTS = 100000 };

static const char *const fields[FIELDS] = {"input_tokens", "output_tokens", "reason_ratio"};

/* Values and the probability up to and with each. */
struct marginal {
    double *values;
    double *up_to;
    uint32_t count;
    size_t value_capacity;
    size_t up_to_capacity;
};

struct client_window {
    uint32_t client;
    double from_s;
    struct marginal marginals[FIELDS];
};

struct clients {
    struct client_window *windows;
    uint32_t count;
    size_t capacity;
};

static bool read_marginal(const struct json_lines *lines, const struct json *object,
                          const char *name, struct marginal *marginal, struct error *error)
{
    double sum = 0;
    const struct json *pair = json_first(json_find(object, name));
    for (; pair != NULL; pair = json_next(pair)) {
        double value = 0;
        double probability = 0;
        const struct json *first = json_first(pair);
        if (first == NULL || !json_number(first, &value) || json_next(first) == NULL ||
            !json_number(json_next(first), &probability) || probability < 0 || value < 0 ||
            value > 1e9) {
            return error_set(error, "%s:%llu: '%s' must hold pairs [value, probability]",
                             lines->path, (unsigned long long)lines->line, name);
        }
        sum += probability;
        marginal->values = memory_grow(marginal->values, &marginal->value_capacity,
                                       (size_t)marginal->count + 1, sizeof(double));
        marginal->up_to = memory_grow(marginal->up_to, &marginal->up_to_capacity,
                                      (size_t)marginal->count + 1, sizeof(double));
        marginal->values[marginal->count] = value;
        marginal->up_to[marginal->count++] = sum;
    }
    return sum > 0 ||
           error_set(error, "%s:%llu: '%s' is missing or empty, or its probabilities sum to 0",
                     lines->path, (unsigned long long)lines->line, name);
}

static bool read_clients(const char *path, struct clients *clients, struct error *error)
{
    struct json_lines lines;
    struct json *object = NULL;
    bool ok = json_lines_open(&lines, path, error);
    while (ok && (ok = json_lines_next(&lines, &object, error)) && object != NULL) {
        double client = 0;
        clients->windows = memory_grow(clients->windows, &clients->capacity,
                                       (size_t)clients->count + 1, sizeof clients->windows[0]);
        struct client_window *window = &clients->windows[clients->count++];
        memset(window, 0, sizeof *window);
        ok = json_lines_number(&lines, object, "client", MAX_CLIENTS, &client, error) &&
             json_lines_number(&lines, object, "window_s", MAX_TIME_S, &window->from_s, error);
        window->client = (uint32_t)client;
        for (int i = 0; ok && i < FIELDS; i++) {
            ok = (i == REASON_RATIO && json_find(object, fields[i]) == NULL) ||
                 read_marginal(&lines, object, fields[i], &window->marginals[i], error);
        }
        json_destroy(object);
    }
    json_lines_close(&lines);
    return ok;
}

static void clear_clients(struct clients *clients)
{
    for (uint32_t i = 0; i < clients->count; i++) {
        for (int k = 0; k < FIELDS; k++) {
            free(clients->windows[i].marginals[k].values);
            free(clients->windows[i].marginals[k].up_to);
        }
    }
    free(clients->windows);
}

/* The client's window at a time, or else its nearest one; NULL for an unknown client. */
static const struct client_window *find_window(const struct clients *clients, uint32_t client,
                                               double at_s)
{
    const struct client_window *nearest = NULL;
    double least = INFINITY;
    for (uint32_t i = 0; i < clients->count; i++) {
        const struct client_window *window = &clients->windows[i];
        double off = fabs(window->from_s + LENGTH_WINDOW_S / 2.0 - at_s);
        if (window->client == client && off < least) {
            nearest = window;
            least = off;
        }
    }
    return nearest;
}

static double draw(const struct marginal *marginal, struct random_stream *random)
{
    assert(marginal->count > 0);
    double wanted = random_uniform(random) * marginal->up_to[marginal->count - 1];
    uint32_t low = 0;
    uint32_t high = marginal->count - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (marginal->up_to[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return marginal->values[low];
}

/* One window of one client, as the rates file has it. */
struct rate_window {
    uint32_t client;
    double from_s;
    bool is_weibull;
    double shape;
    double scale_s;
};

/* Shapes below make gaps that vary hundreds of times as much as their mean: they describe no
 * client, and nearly all gaps would be 0. */
#define MIN_SHAPE 0.01
/* More than ten thousand requests a second of one client are a mistake. */
#define MIN_GAP_S 1e-4

static double mean_gap_s(const struct rate_window *window)
{
    return window->scale_s * (window->is_weibull ? tgamma(1 + 1 / window->shape) : window->shape);
}

static bool read_window(const struct csv_reader *csv, struct rate_window *window,
                        struct error *error)
{
    size_t client = 0;
    size_t from = 0;
    size_t family = 0;
    size_t shape = 0;
    size_t scale = 0;
    if (!csv_require(csv, "client", &client, error) || !csv_require(csv, "t_s", &from, error) ||
        !csv_require(csv, "iat_family", &family, error) ||
        !csv_require(csv, "shape", &shape, error) || !csv_require(csv, "scale", &scale, error) ||
        !csv_whole(csv, client, 0, &window->client, error) ||
        !csv_double(csv, from, 0, MAX_TIME_S, &window->from_s, error) ||
        !csv_double(csv, shape, MIN_SHAPE, 1e9, &window->shape, error) ||
        !csv_double(csv, scale, 1e-9, 1e9, &window->scale_s, error)) {
        return false;
    }
    window->is_weibull = text_equal(csv->fields[family], "Weibull");
    if (!window->is_weibull && !text_equal(csv->fields[family], "Gamma")) {
        return error_set(error, "%s:%llu: 'iat_family' must be Gamma or Weibull, got '%s'",
                         csv->path, (unsigned long long)csv->line, csv->fields[family]);
    }
    return mean_gap_s(window) >= MIN_GAP_S ||
           error_set(error, "%s:%llu: the mean gap must be at least %g s", csv->path,
                     (unsigned long long)csv->line, MIN_GAP_S);
}

static double draw_gap_s(const struct rate_window *window, struct random_stream *random)
{
    return window->is_weibull
               ? window->scale_s * pow(-log(random_uniform(random)), 1 / window->shape)
               : random_gamma(random, window->shape, window->scale_s);
}

/* Where requests are drawn from and to. */
struct drawing {
    const struct csv_reader *csv;
    const struct import_settings *settings;
    struct random_stream *random;
    struct import_requests *requests;
};

/* The requests of one window. Their mean number is at most RATE_WINDOW_S / MIN_GAP_S; bursts may
 * hold more, but not without end. */
static bool draw_window(const struct rate_window *rate, const struct client_window *client,
                        const struct drawing *drawing, struct error *error)
{
    const struct csv_reader *csv = drawing->csv;
    const struct import_settings *settings = drawing->settings;
    struct random_stream *random = drawing->random;
    enum { MAX_REQUESTS = 20000000 };
    double end_s = fmin(rate->from_s + RATE_WINDOW_S, settings->until_s);
    double at_s = rate->from_s + draw_gap_s(rate, random);
    for (uint32_t count = 0; at_s < end_s; count++) {
        const struct marginal *ratio = &client->marginals[REASON_RATIO];
        double output = draw(&client->marginals[OUTPUT_TOKENS], random);
        double reasons = ratio->count > 0 ? draw(ratio, random) : 0;
        struct trace_request request = {
            .arrival_s = at_s,
            .prompt_tokens = (uint32_t)draw(&client->marginals[INPUT_TOKENS], random),
            .output_tokens = (uint32_t)output,
            .reasoning_tokens = (uint32_t)(output * fmin(1, reasons))};
        if (count == MAX_REQUESTS) {
            return error_set(error, "%s:%llu: more than %d requests in one window", csv->path,
                             (unsigned long long)csv->line, MAX_REQUESTS);
        }
        if (!import_add(drawing->requests, settings, &request, csv->path, csv->line, error)) {
            return false;
        }
        at_s += draw_gap_s(rate, random);
    }
    return true;
}

static bool draw_row(const struct drawing *drawing, const struct clients *clients,
                     struct error *error)
{
    const struct import_settings *settings = drawing->settings;
    struct rate_window window;
    if (!read_window(drawing->csv, &window, error)) {
        return false;
    }
    if (window.from_s >= settings->until_s || window.from_s + RATE_WINDOW_S <= settings->from_s) {
        return true;
    }
    const struct client_window *client =
        find_window(clients, window.client, window.from_s + RATE_WINDOW_S / 2.0);
    if (client == NULL) {
        import_skip_row(drawing->requests, IMPORT_NO_LENGTHS);
        return true;
    }
    return draw_window(&window, client, drawing, error);
}

static bool draw_all(const struct import_settings *settings, const struct clients *clients,
                     struct import_requests *requests, struct error *error)
{
    struct csv_reader csv;
    bool more = true;
    if (!csv_open(&csv, settings->path, NULL, error)) {
        return false;
    }
    struct random_stream *random = random_create(settings->seed, "servegen");
    struct drawing drawing = {
        .csv = &csv, .settings = settings, .random = random, .requests = requests};
    bool ok = true;
    while (ok && (ok = csv_next(&csv, &more, error)) && more) {
        ok = draw_row(&drawing, clients, error);
    }
    requests->out_of_order = 0; /* windows of many clients, drawn one after another */
    random_destroy(random);
    csv_close(&csv);
    return ok;
}

bool import_servegen(const struct import_settings *settings, struct import_requests *requests,
                     struct error *error)
{
    struct clients clients = {NULL, 0, 0};
    uint32_t name = 0;
    if (settings->lengths == NULL) {
        return error_set(error, "servegen: --lengths must name the clients' distributions");
    }
    snprintf(
        requests->note, sizeof requests->note,
        "drawn from rates by client and window, lengths independently of each other, seed %llu",
        (unsigned long long)settings->seed);
    bool ok = trace_names_add(&requests->names, "servegen", &name, error) &&
              read_clients(settings->lengths, &clients, error) &&
              draw_all(settings, &clients, requests, error);
    clear_clients(&clients);
    return ok;
}
