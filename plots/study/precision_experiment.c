#include "plots/study/precision_experiment.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/study/study_items.h"
#include "sim/base/csv.h"
#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/text.h"
#include "sim/metrics/samples.h"

/* Public evaluation, arXiv 2504.04823 (mean of three runs at temperature 0.6, budgets of 32,768
 * tokens, AIME 2022 to 2025, GPQA-Diamond, GSM8K, LiveCodeBench, MATH-500). */
#define PUBLISHED "plots/study/data/precisions.csv"

#define LIMIT_POINTS 2.0
/* Losses below this are noise; the line takes them as this. */
#define MIN_POINTS 0.25
/* Sizes that were evaluated; thresholds beyond are not told apart. */
#define MIN_SIZE_B 1.5
#define MAX_SIZE_B 70.0

static struct precision_format *format_of(struct precision_table *table, size_t *capacity,
                                          const char *name)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (text_equal(table->formats[i].name, name)) {
            return &table->formats[i];
        }
    }
    table->formats =
        memory_grow(table->formats, capacity, (size_t)table->count + 1, sizeof table->formats[0]);
    struct precision_format *format = &table->formats[table->count++];
    memset(format, 0, sizeof *format);
    snprintf(format->name, sizeof format->name, "%s", name);
    return format;
}

static struct precision_loss *loss_of(struct precision_format *format, const char *model,
                                      double size_b)
{
    for (uint32_t i = 0; i < format->count; i++) {
        if (text_equal(format->losses[i].model, model)) {
            return &format->losses[i];
        }
    }
    assert(format->count < PRECISION_MAX_LOSSES);
    struct precision_loss *loss = &format->losses[format->count++];
    *loss = (struct precision_loss){.size_b = size_b};
    snprintf(loss->model, sizeof loss->model, "%s", model);
    return loss;
}

/* 'points' and 'error' hold sums until all rows are read. */
static bool add_row(struct precision_table *table, size_t *capacity, const struct csv_reader *csv,
                    struct error *error)
{
    char name[64];
    char model[64];
    double size_b = 0;
    double accuracy = 0;
    double plain = 0;
    if (!study_read_text(csv, "format", name, sizeof name, error) ||
        !study_read_text(csv, "model", model, sizeof model, error) ||
        !study_read_number(csv, "size_b", &size_b, error) ||
        !study_read_number(csv, "accuracy_pct", &accuracy, error) ||
        !study_read_number(csv, "bf16_pct", &plain, error)) {
        return false;
    }
    struct precision_loss *loss = loss_of(format_of(table, capacity, name), model, size_b);
    loss->points += plain - accuracy;
    loss->error += (plain - accuracy) * (plain - accuracy);
    loss->benchmarks++;
    return true;
}

static void finish(struct precision_loss *loss)
{
    double count = loss->benchmarks;
    double mean = loss->points / count;
    double variance = fmax(0, loss->error / count - mean * mean);
    loss->points = mean;
    loss->error = count > 1 ? sqrt(variance / (count - 1)) : 0;
}

bool precision_table_read(struct precision_table *table, struct error *error)
{
    struct csv_reader csv;
    size_t capacity = 0;
    bool more = true;
    bool ok = csv_open(&csv, PUBLISHED, NULL, error);
    *table = (struct precision_table){NULL, 0};
    if (!ok) {
        return false;
    }
    while ((ok = csv_next(&csv, &more, error)) && more) {
        if (!add_row(table, &capacity, &csv, error)) {
            ok = false;
            break;
        }
    }
    csv_close(&csv);
    for (uint32_t i = 0; i < table->count; i++) {
        for (uint32_t k = 0; k < table->formats[i].count; k++) {
            finish(&table->formats[i].losses[k]);
        }
    }
    if (!ok) {
        precision_table_clear(table);
    }
    return ok;
}

void precision_table_clear(struct precision_table *table)
{
    free(table->formats);
    *table = (struct precision_table){NULL, 0};
}

/* Least squares through (ln size, ln loss) of the models drawn; NAN if it does not fall. */
static double crossing_of(const struct precision_format *format, const uint32_t *drawn,
                          double limit_points)
{
    double n = format->count;
    double x = 0;
    double y = 0;
    double xx = 0;
    double xy = 0;
    for (uint32_t i = 0; i < format->count; i++) {
        const struct precision_loss *loss = &format->losses[drawn[i]];
        double size = log(loss->size_b);
        double points = log(fmax(loss->points, MIN_POINTS));
        x += size;
        y += points;
        xx += size * size;
        xy += size * points;
    }
    double spread = xx - x * x / n;
    double slope = spread > 1e-9 ? (xy - x * y / n) / spread : 0;
    return slope < -0.01 ? exp((log(limit_points) - (y - slope * x) / n) / slope) : (double)NAN;
}

struct precision_threshold precision_threshold_of(const struct precision_format *format,
                                                  double limit_points)
{
    enum { DRAWS = 1000 };
    uint32_t drawn[PRECISION_MAX_LOSSES];
    struct samples crossings;
    uint64_t key = random_key(1, format->name);
    assert(format->count > 0 && limit_points > 0);
    for (uint32_t i = 0; i < format->count; i++) {
        drawn[i] = i;
    }
    struct precision_threshold result = {crossing_of(format, drawn, limit_points), NAN, NAN};
    samples_init(&crossings);
    for (uint32_t draw = 0; draw < DRAWS; draw++) {
        for (uint32_t i = 0; i < format->count; i++) {
            uint64_t bits = random_bits_at(key, (uint64_t)draw * PRECISION_MAX_LOSSES + i);
            drawn[i] = (uint32_t)((bits >> 32) % format->count);
        }
        double size_b = crossing_of(format, drawn, limit_points);
        samples_add(&crossings, isnan(size_b) ? INFINITY : size_b);
    }
    result.low_b = samples_quantile(&crossings, 0.05);
    result.high_b = samples_quantile(&crossings, 0.95);
    samples_clear(&crossings);
    return result;
}

static void print_size(FILE *table, double size_b)
{
    if (isnan(size_b)) {
        fprintf(table, "%9s", "none");
    } else if (size_b > MAX_SIZE_B || size_b < MIN_SIZE_B) {
        fprintf(table, "%3s%4.3g B", size_b < MIN_SIZE_B ? "<" : ">",
                size_b < MIN_SIZE_B ? MIN_SIZE_B : MAX_SIZE_B);
    } else {
        fprintf(table, "%7.1f B", size_b);
    }
}

static void print_format(const struct precision_format *format, FILE *table)
{
    static const char *const columns[] = {"DeepSeek-R1-Distill-Qwen-1.5B",
                                          "DeepSeek-R1-Distill-Qwen-7B",
                                          "DeepSeek-R1-Distill-Llama-8B",
                                          "Qwen3-8B",
                                          "DeepSeek-R1-Distill-Qwen-14B",
                                          "DeepSeek-R1-Distill-Qwen-32B",
                                          "QwQ-32B",
                                          "DeepSeek-R1-Distill-Llama-70B"};
    fprintf(table, "  %-38s", format->name);
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
        const struct precision_loss *found = NULL;
        for (uint32_t i = 0; i < format->count; i++) {
            found = text_equal(format->losses[i].model, columns[c]) ? &format->losses[i] : found;
        }
        if (found != NULL) {
            fprintf(table, "%7.1f", found->points);
        } else {
            fprintf(table, "%7s", "-");
        }
    }
    if (format->count >= 6) {
        struct precision_threshold threshold = precision_threshold_of(format, LIMIT_POINTS);
        print_size(table, threshold.size_b);
        print_size(table, threshold.low_b);
        print_size(table, threshold.high_b);
    }
    fprintf(table, "\n");
}

static const struct precision_loss *find(const struct precision_table *table, const char *format,
                                         const char *model)
{
    for (uint32_t i = 0; i < table->count; i++) {
        for (uint32_t k = 0; k < table->formats[i].count; k++) {
            const struct precision_loss *loss = &table->formats[i].losses[k];
            if (text_equal(table->formats[i].name, format) && text_equal(loss->model, model)) {
                return loss;
            }
        }
    }
    return NULL;
}

/* The same keys in the same bits, quantized after and before their bias is added: what differs is
 * the bias alone. */
static void print_cause(const struct precision_table *losses, FILE *table)
{
    static const char *const models[] = {"DeepSeek-R1-Distill-Qwen-1.5B",
                                         "DeepSeek-R1-Distill-Qwen-7B"};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        const struct precision_loss *after =
            find(losses, "KV 4-bit KVQuant* after the key bias", models[i]);
        const struct precision_loss *before =
            find(losses, "KV 4-bit KVQuant* before the key bias", models[i]);
        if (after != NULL && before != NULL) {
            fprintf(
                table,
                "  %s: keys quantized after their bias cost %.1f points, before it %.1f: %.0f %% "
                "of the loss is the bias's\n",
                models[i], after->points, before->points,
                100 * (1 - before->points / after->points));
        }
    }
}

bool precision_experiment_run(FILE *file, FILE *table, struct error *error)
{
    struct precision_table losses;
    if (!precision_table_read(&losses, error)) {
        return false;
    }
    fprintf(
        table,
        "\nWhat precisions cost, in points below bf16 (mean of five benchmarks, arXiv "
        "2504.04823), and the size from\nwhich on that is under %.0f points (a line through the "
        "logarithms; middle 90 %% over resampled models)\n"
        "  %-38s%7s%7s%7s%7s%7s%7s%7s%7s%9s%9s%9s\n",
        LIMIT_POINTS, "format", "1.5B", "7B", "L-8B", "Q3-8B", "14B", "32B", "QwQ", "L-70B", "size",
        "from", "to");
    fprintf(file, "format,model,size_b,loss_points,error_points\n");
    for (uint32_t i = 0; i < losses.count; i++) {
        const struct precision_format *format = &losses.formats[i];
        print_format(format, table);
        for (uint32_t k = 0; k < format->count; k++) {
            const struct precision_loss *loss = &format->losses[k];
            fprintf(file, "%s,%s,%g,%.3f,%.3f\n", format->name, loss->model, loss->size_b,
                    loss->points, loss->error);
        }
    }
    print_cause(&losses, table);
    precision_table_clear(&losses);
    return true;
}
