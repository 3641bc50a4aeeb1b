#include <math.h>

#include "tests/unit/check.h"
#include "traces/import.h"

static const char *const one_client =
    "{\"client\": 7, \"window_s\": 0, \"input_tokens\": [[100, 0.5], [300, 0.5]],"
    " \"output_tokens\": [[40, 1]], \"reason_ratio\": [[0.5, 1]]}\n";
static const char *const rates = "client,t_s,iat_family,shape,scale\n"
                                 "7,0,Gamma,2,0.5\n7,600,Weibull,1,0.5\n";

static bool read_text(const char *csv, const char *lengths, uint64_t seed,
                      struct import_requests *requests, struct error *error)
{
    char path[2048];
    char clients[2048];
    snprintf(path, sizeof path, "%s", temporary_file("rates.csv", csv));
    snprintf(clients, sizeof clients, "%s", temporary_file("clients.jsonl", lengths));
    const struct import_settings settings = {
        .path = path, .lengths = clients, .from_s = 0, .until_s = INFINITY, .seed = seed};
    const struct import_format *format = import_formats;
    while (strcmp(format->name, "servegen") != 0) {
        format++;
    }
    bool ok = import_read(format, &settings, requests, error);
    unlink(path);
    unlink(clients);
    return ok;
}

/* 600 s with gaps of 1 s on average, then 600 s of 0.5 s. */
static void test_rates_and_lengths(void **state)
{
    (void)state;
    struct import_requests requests;
    struct error error;
    uint32_t early = 0;
    uint32_t longer = 0;
    assert_true(read_text(rates, one_client, 1, &requests, &error));
    for (uint64_t i = 0; i < requests.count; i++) {
        const struct trace_request *one = &requests.requests[i];
        assert_true(one->prompt_tokens == 100 || one->prompt_tokens == 300);
        assert_int_equal(one->output_tokens, 40);
        assert_int_equal(one->reasoning_tokens, 20);
        assert_true(i == 0 || one->arrival_s >= requests.requests[i - 1].arrival_s);
        early += one->arrival_s < 600;
        longer += one->prompt_tokens == 300;
    }
    assert_near(early, 600, 4 * sqrt(300)); /* gaps of shape 2 vary half as much */
    assert_near((double)requests.count - early, 1200, 4 * sqrt(1200));
    assert_near(longer, (double)requests.count / 2, 4 * sqrt((double)requests.count / 4));
    assert_true(requests.requests[requests.count - 1].arrival_s < 1200);
    import_clear(&requests);
}

static void test_seed_decides(void **state)
{
    (void)state;
    struct import_requests first;
    struct import_requests again;
    struct import_requests other;
    struct error error;
    assert_true(read_text(rates, one_client, 3, &first, &error));
    assert_true(read_text(rates, one_client, 3, &again, &error));
    assert_true(read_text(rates, one_client, 4, &other, &error));
    assert_int_equal(first.count, again.count);
    assert_memory_equal(first.requests, again.requests, first.count * sizeof first.requests[0]);
    assert_true(first.requests[0].arrival_s < other.requests[0].arrival_s ||
                first.requests[0].arrival_s > other.requests[0].arrival_s);
    import_clear(&first);
    import_clear(&again);
    import_clear(&other);
}

static void refused(const char *csv, const char *lengths, const char *part)
{
    struct import_requests requests;
    struct error error;
    assert_false(read_text(csv, lengths, 1, &requests, &error));
    assert_contains(error.message, part);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("client,t_s,iat_family,shape,scale\n7,0,Normal,2,0.5\n", one_client,
            "'iat_family' must be Gamma or Weibull, got 'Normal'");
    refused("client,t_s,iat_family,shape,scale\n7,0,Gamma,0.01,0.001\n", one_client,
            "mean gap must be at least");
    refused("client,t_s,iat_family,shape\n7,0,Gamma,1\n", one_client, "scale");
    refused(rates, "{\"client\": 7, \"window_s\": 0, \"output_tokens\": [[40, 1]]}\n",
            "'input_tokens' is missing or empty");
    refused(rates,
            "{\"client\": 7, \"window_s\": 0, \"input_tokens\": [[1, -1]],"
            " \"output_tokens\": [[40, 1]]}\n",
            "must hold pairs");
    struct import_requests requests;
    struct error error;
    const struct import_settings settings = {.path = "rates.csv", .until_s = INFINITY};
    memset(&requests, 0, sizeof requests);
    assert_false(import_servegen(&settings, &requests, &error));
    assert_contains(error.message, "--lengths");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates_and_lengths),
        cmocka_unit_test(test_seed_decides),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
