#include "workloads/workload.h"

#include <string.h>

#include "sim/base/units.h"

#define ACCURACIES "workloads/data/accuracy.json"

bool workload_open(struct workload *workload, const struct generator_settings *settings,
                   const char *lengths, const char *trace, struct error *error)
{
    memset(workload, 0, sizeof *workload);
    if (trace[0] != '\0') {
        return trace_reader_open(&workload->trace, trace, error);
    }
    if (!length_catalog_read(&workload->catalog, lengths, error)) {
        return false;
    }
    if (!accuracy_catalog_read(&workload->accuracies, ACCURACIES, error)) {
        length_catalog_clear(&workload->catalog);
        return false;
    }
    struct generator_settings all = *settings;
    all.accuracies = &workload->accuracies;
    if (!generator_create(&all, &workload->catalog, &workload->datasets, &workload->generator,
                          error)) {
        length_catalog_clear(&workload->catalog);
        accuracy_catalog_clear(&workload->accuracies);
        return false;
    }
    return true;
}

void workload_close(struct workload *workload)
{
    generator_destroy(workload->generator);
    length_catalog_clear(&workload->catalog);
    accuracy_catalog_clear(&workload->accuracies);
    if (workload->trace.csv.stream != NULL) {
        trace_reader_close(&workload->trace);
    }
    memset(workload, 0, sizeof *workload);
}

bool workload_next(struct workload *workload, struct trace_request *ret_request, bool *ret_more,
                   struct error *error)
{
    bool ok = true;
    if (workload->generator != NULL) {
        *ret_more = generator_next(workload->generator, ret_request);
        if (*ret_more && ret_request->arrival_s > MAX_TIME_S) {
            return error_set(error,
                             "request %llu would arrive after %.0f s, the most there can be: raise "
                             "'workload.rate_per_s' or make fewer 'workload.requests'",
                             (unsigned long long)workload->count, MAX_TIME_S);
        }
    } else {
        ok = trace_reader_next(&workload->trace, &workload->datasets, ret_request, ret_more, error);
    }
    if (ok && !*ret_more && workload->count == 0) {
        ok = error_set(error, "%s: the trace holds no requests", workload->trace.csv.path);
    }
    workload->count += ok && *ret_more;
    return ok;
}
