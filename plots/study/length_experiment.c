#include "plots/study/length_experiment.h"

#include "workloads/length_model.h"

#define LENGTHS "workloads/data/lengths.json"

static void write_row(FILE *file, const struct length_model *model, const char *what, double share,
                      double tokens)
{
    fprintf(file, "%s,%s,%s,%.3f,%.0f\n", model->dataset, model->model, what, share, tokens);
}

static void write_curve(FILE *file, const struct length_model *model)
{
    const struct length_data *data = &model->data;
    for (int percent = 1; percent < 100; percent++) {
        double share = percent / 100.0;
        write_row(file, model, "model", share, length_distribution_at(&model->output, share));
    }
    write_row(file, model, "model", 0.995, length_distribution_at(&model->output, 0.995));
    write_row(file, model, "responses", 0.5, data->p50);
    write_row(file, model, "responses", 0.9, data->p90);
    write_row(file, model, "responses", 0.99, data->p99);
}

static void print_model(FILE *table, const struct length_model *model)
{
    const struct length_data *data = &model->data;
    fprintf(table, "  %-13s %-29s %6u   %6u %6.0f   %6u %6.0f   %6u %6.0f\n", model->dataset,
            model->model, data->n, length_distribution_at(&model->output, 0.5), data->p50,
            length_distribution_at(&model->output, 0.9), data->p90,
            length_distribution_at(&model->output, 0.99), data->p99);
}

bool length_experiment_run(FILE *file, FILE *table, struct error *error)
{
    struct length_catalog catalog;
    if (!length_catalog_read(&catalog, LENGTHS, error)) {
        return false;
    }
    fprintf(table,
            "\nLength models beside the responses they were fitted to: output tokens, model and "
            "responses\n  %-13s %-29s %6s   %6s %6s   %6s %6s   %6s %6s\n",
            "dataset", "model", "n", "p50", "", "p90", "", "p99", "");
    fprintf(file, "dataset,model,what,share,tokens\n");
    for (uint32_t i = 0; i < catalog.count; i++) {
        if (catalog.models[i].data.n > 0) {
            print_model(table, &catalog.models[i]);
            write_curve(file, &catalog.models[i]);
        }
    }
    length_catalog_clear(&catalog);
    return true;
}
