#include "tests/unit/check.h"

#include <stdlib.h>

#include "sim/base/units.h"
#include "sim/cluster/server_metrics.h"
#include "sim/serving/request.h"

static void tell(struct server_metrics *metrics, double ttft_s, uint32_t outputs, uint32_t limit)
{
    struct request request = {.status = REQUEST_FINISHED, .known_tokens = 10 + outputs};
    request.ask.prompt_tokens = 10;
    request.ask.max_output_tokens = limit;
    request.cached_tokens = 4;
    request.clock.first_token_ps = ps_from_s(ttft_s);
    request.clock.last_token_ps = ps_from_s(ttft_s + 0.5);
    struct observer observer = server_metrics_observer(metrics);
    observer.on_finish(observer.state, &request, request.clock.last_token_ps);
}

static char *page_of(const struct server_metrics *metrics, const char *model)
{
    struct histogram gaps = {.total = 0};
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    assert_non_null(stream);
    histogram_add(&gaps, PS_PER_MS, 3);
    server_metrics_write(metrics, model, &gaps, stream);
    fclose(stream);
    assert_non_null(text);
    return text;
}

#define LABELS "engine=\"0\",model_name=\"m\""

static void test_page(void **state)
{
    (void)state;
    struct server_metrics metrics;
    server_metrics_init(&metrics, true, 300);
    tell(&metrics, 0.06, 1, 5); /* on a bound: within it */
    tell(&metrics, 3000, 5, 5);
    char *page = page_of(&metrics, "m");
    assert_contains(page, "vllm:time_to_first_token_seconds_bucket{" LABELS ",le=\"0.04\"} 0\n");
    assert_contains(page, "vllm:time_to_first_token_seconds_bucket{" LABELS ",le=\"0.06\"} 1\n");
    assert_contains(page, "vllm:time_to_first_token_seconds_bucket{" LABELS ",le=\"2560.0\"} 1\n");
    assert_contains(page, "vllm:time_to_first_token_seconds_bucket{" LABELS ",le=\"+Inf\"} 2\n");
    assert_contains(page, "vllm:request_time_per_output_token_seconds_count{" LABELS "} 1\n");
    assert_contains(page, "vllm:request_success_total{" LABELS ",finished_reason=\"stop\"} 1\n");
    assert_contains(page, "vllm:request_success_total{" LABELS ",finished_reason=\"length\"} 1\n");
    assert_contains(page, "vllm:prefix_cache_queries_total{" LABELS "} 20\n");
    assert_contains(page, "vllm:prefix_cache_hits_total{" LABELS "} 8\n");
    assert_contains(page, "vllm:request_prompt_tokens_bucket{" LABELS ",le=\"200.0\"} 2\n"
                          "vllm:request_prompt_tokens_bucket{" LABELS ",le=\"+Inf\"} 2\n");
    assert_contains(page, "vllm:inter_token_latency_seconds_bucket{" LABELS ",le=\"0.01\"} 3\n");
    assert_string_equal(page + strlen(page) - 6, "# EOF\n");
    free(page);
}

static void test_names_are_escaped(void **state)
{
    (void)state;
    struct server_metrics metrics;
    server_metrics_init(&metrics, false, 300);
    tell(&metrics, 1, 1, 5);
    char *page = page_of(&metrics, "a\"b\\c\nd");
    assert_contains(page, "model_name=\"a\\\"b\\\\c\\nd\"");
    assert_contains(
        page, "vllm:prefix_cache_queries_total{engine=\"0\",model_name=\"a\\\"b\\\\c\\nd\"} 0");
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_names_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
