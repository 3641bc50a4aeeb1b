#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/embedded.h"
#include "sim/base/random.h"
#include "sim/base/units.h"
#include "sim/cluster/client.h"
#include "sim/cluster/simulation.h"
#include "sim/engines/vllm_graphs.h"
#include "sim/engines/vllm_v1.h"
#include "sim/events/event_queue.h"
#include "sim/kv/kv_cache.h"
#include "sim/policy/fcfs.h"
#include "sim/pricing/step_clock.h"
#include "sim/pricing/step_cost.h"
#include "sim/pricing/step_profile.h"
#include "sim/report/request_log.h"
#include "sim/serving/batch.h"
#include "sim/serving/request_queue.h"

static void test_events_come_in_total_order(void **state)
{
    (void)state;
    struct event_queue queue;
    struct event event;
    struct event last = {.at_ps = -1};
    struct random_stream *random = random_create(1, "events");
    event_queue_init(&queue);
    assert_false(event_queue_pop(&queue, &event));
    for (int i = 0; i < 5000; i++) {
        event_queue_push(&queue, (struct event){.at_ps = random_below(random, 50),
                                                .type = (enum event_type)random_below(random, 3)});
    }
    for (int i = 0; i < 5000; i++) {
        assert_true(event_queue_pop(&queue, &event));
        bool ordered = last.at_ps < event.at_ps ||
                       (last.at_ps == event.at_ps &&
                        (last.type < event.type ||
                         (last.type == event.type && last.sequence < event.sequence)));
        assert_true(ordered);
        last = event;
    }
    random_destroy(random);
    event_queue_clear(&queue);
}

static void test_queue_ends_and_middle(void **state)
{
    (void)state;
    struct request_queue queue;
    request_queue_init(&queue);
    for (uint32_t i = 0; i < 100; i++) {
        request_queue_push_back(&queue, i);
    }
    request_queue_push_front(&queue, 200);
    request_queue_insert(&queue, 2, 300);
    assert_int_equal(request_queue_at(&queue, 0), 200);
    assert_int_equal(request_queue_at(&queue, 2), 300);
    assert_int_equal(request_queue_at(&queue, 3), 1);
    request_queue_remove(&queue, 300);
    assert_int_equal(request_queue_pop_front(&queue), 200);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(request_queue_pop_front(&queue), i);
    }
    assert_int_equal(queue.count, 0);
    request_queue_clear(&queue);
}

static void test_blocks_are_conserved(void **state)
{
    (void)state;
    struct kv_cache cache;
    kv_cache_init(&cache, 10, 16, 2);
    assert_int_equal(kv_cache_blocks_for(&cache, 0), 0);
    assert_int_equal(kv_cache_blocks_for(&cache, 16), 1);
    assert_int_equal(kv_cache_missing_blocks(&cache, 0, 17), 2);
    kv_cache_allocate(&cache, 0, 2);
    assert_int_equal(kv_cache_missing_blocks(&cache, 0, 32), 0);
    kv_cache_allocate(&cache, 1, 8);
    assert_near(kv_cache_utilization(&cache), 1, 0);
    kv_cache_free_blocks(&cache, 0);
    assert_int_equal(cache.free_blocks, 2);
    kv_cache_clear(&cache);
}

static struct batch_summary decodes(uint32_t requests)
{
    struct batch_summary summary = {.decode_requests = requests};
    batch_summary_choose_graph(&summary, 128, 2048, 0);
    return summary;
}

/* The measured engine logs 19 full sizes up to 128 and 35 piecewise sizes up to 256. */
static void test_graph_sizes_as_logged(void **state)
{
    (void)state;
    bool full[257] = {false};
    bool piecewise[257] = {false};
    uint32_t full_count = 0;
    uint32_t piecewise_count = 0;
    for (uint32_t tokens = 1; tokens <= 256; tokens++) {
        struct batch_summary summary = decodes(tokens);
        if (summary.cuda_graph == CUDA_GRAPH_FULL) {
            full_count += !full[summary.padded_tokens];
            full[summary.padded_tokens] = true;
        }
        summary = (struct batch_summary){.prefill_requests = 1, .prefill_tokens = tokens};
        batch_summary_choose_graph(&summary, 128, 2048, 0);
        assert_int_equal(summary.cuda_graph, CUDA_GRAPH_PIECEWISE);
        piecewise_count += !piecewise[summary.padded_tokens];
        piecewise[summary.padded_tokens] = true;
    }
    assert_int_equal(full_count, 19);
    assert_int_equal(piecewise_count, 35);
    struct batch_summary large = {.prefill_requests = 1, .prefill_tokens = 257};
    batch_summary_choose_graph(&large, 128, 2048, 0);
    assert_int_equal(large.cuda_graph, CUDA_GRAPH_NONE);
    assert_int_equal(large.padded_tokens, 257);
    assert_int_equal(decodes(3).padded_tokens, 4);
    assert_int_equal(decodes(17).padded_tokens, 24);
}

static void test_batch_sums(void **state)
{
    (void)state;
    struct batch batch;
    batch_init(&batch);
    batch_add(&batch, (struct batch_entry){.tokens = 1, .computed_before = 100});
    batch_add(&batch, (struct batch_entry){.tokens = 10, .computed_before = 5});
    batch_add(&batch, (struct batch_entry){.tokens = 20});
    batch_summarize(&batch);
    batch_summary_choose_graph(&batch.summary, 128, 2048, 0);
    assert_int_equal(batch.summary.decode_requests, 1);
    assert_int_equal(batch.summary.decode_context_tokens, 100);
    assert_int_equal(batch.summary.prefill_tokens, 30);
    assert_int_equal(batch.summary.prefill_context_tokens, 5);
    assert_int_equal(batch.summary.prefill_attention_pairs_x2, 10 * (10 + 10) + 20 * 20);
    assert_int_equal(batch.summary.padded_tokens, 32);
    batch_clear(&batch);
}

static void test_cost_survives_its_file(void **state)
{
    (void)state;
    struct step_cost cost;
    struct step_cost again;
    struct error error;
    assert_true(step_cost_read(&cost, "calibration/qwen7b-bf16.json", &error));
    struct json *document = json_create_object();
    step_cost_to_json(&cost, document);
    char *text = json_print(document);
    json_destroy(document);
    assert_true(json_parse(text, "again", &document, &error));
    assert_true(step_cost_from_json(&again, document, "again", &error));
    json_destroy(document);
    free(text);
    for (uint32_t requests = 1; requests <= 128; requests++) {
        struct batch_summary summary = decodes(requests);
        summary.decode_context_tokens = 1000 * requests;
        assert_true(step_cost_price(&cost, &summary, step_cost_attention(&cost, &summary, NULL),
                                    (struct step_noise){1, 1})
                        .gpu_ps == step_cost_price(&again, &summary,
                                                   step_cost_attention(&again, &summary, NULL),
                                                   (struct step_noise){1, 1})
                                       .gpu_ps);
    }
}

/* Beyond what was measured a longer context or a longer prompt never costs less. */
static void test_cost_is_monotone(void **state)
{
    (void)state;
    struct step_cost cost;
    struct error error;
    assert_true(step_cost_read(&cost, "calibration/qwen14b-fp8.json", &error));
    int64_t last = 0;
    for (uint32_t tokens = 2; tokens < 20000; tokens += 37) {
        struct batch_summary summary = {.prefill_requests = 1, .prefill_tokens = tokens};
        batch_summary_choose_graph(&summary, 128, 2048, 0);
        int64_t price = step_cost_price(&cost, &summary, step_cost_attention(&cost, &summary, NULL),
                                        (struct step_noise){1, 1})
                            .gpu_ps;
        assert_true(price >= last);
        last = price;
    }
    struct batch_summary summary = decodes(64);
    last = 0;
    for (summary.decode_context_tokens = 0; summary.decode_context_tokens < 5000000;
         summary.decode_context_tokens += 10007) {
        int64_t price = step_cost_price(&cost, &summary, step_cost_attention(&cost, &summary, NULL),
                                        (struct step_noise){1, 1})
                            .gpu_ps;
        assert_true((double)price > 0.97 * (double)last);
        last = price;
    }
    assert_true(step_cost_is_extrapolated(&cost, &summary));
}

static void test_cost_file_errors(void **state)
{
    (void)state;
    struct step_cost cost;
    struct error error;
    struct json *document = NULL;
    assert_true(json_parse("{\"format_version\": 1}", "c.json", &document, &error));
    assert_false(step_cost_from_json(&cost, document, "c.json", &error));
    assert_contains(error.message, "c.json: 'format_version' must be 2");
    json_destroy(document);
    assert_true(json_parse("{\"format_version\": 2, \"identity\": {}, \"coefficients\": {}}",
                           "c.json", &document, &error));
    assert_false(step_cost_from_json(&cost, document, "c.json", &error));
    assert_contains(error.message, "key 'split_ms' is missing");
    json_destroy(document);
}

static uint32_t send(struct client *client, uint32_t answered)
{
    uint32_t wanted = client_wants(client, answered);
    for (uint32_t i = 0; i < wanted; i++) {
        client_sent(client);
    }
    return wanted;
}

static void test_clients(void **state)
{
    (void)state;
    struct client client;
    struct client_settings closed = {CLIENT_CLOSED, 4};
    client_init(&client, &closed);
    assert_int_equal(send(&client, 0), 4);
    assert_int_equal(send(&client, 1), 1);
    struct client_settings batch = {CLIENT_BATCH, 6};
    client_init(&client, &batch);
    assert_int_equal(send(&client, 0), 6);
    assert_int_equal(send(&client, 5), 0);
    assert_int_equal(send(&client, 1), 6);
    struct client_settings open = {CLIENT_OPEN, 0};
    client_init(&client, &open);
    assert_int_equal(send(&client, 0), 1);
    assert_int_equal(send(&client, 3), 0);
}

/* Rows come out in order of sending, each as soon as all before it are done. */
static void test_request_log_orders_rows(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    static struct request_log log;
    request_log_init(&log, stream);
    for (uint32_t i = 0; i < 500; i++) {
        struct request_record record = {
            .request_id = i ^ 255, .dataset = "d", .status = "finished", .sent_s = NAN};
        request_log_add(&log, &record);
    }
    request_log_flush(&log);
    request_log_clear(&log);
    fclose(stream);
    const char *line = strchr(text, '\n');
    uint32_t rows = 0;
    for (; line[1] != '\0'; line = strchr(line + 1, '\n')) {
        assert_int_equal(strtoul(line + 1, NULL, 10), rows++);
    }
    assert_int_equal(rows, 256); /* ids from 256 to 267 never came */
    free(text);
}

/* The clock holds 9 million seconds: a run that would take longer is given up. */
static struct step_clock launched_behind_a_long_step(bool new_sizes_wait, uint32_t tokens)
{
    const struct step_price prefill = {.gpu_ps = 50 * PS_PER_MS, .launch_ps = 10 * PS_PER_MS};
    struct step_cost cost = step_cost_constant(PS_PER_MS);
    cost.launch_blocks_loop = true;
    cost.launch_ps[CUDA_GRAPH_FULL] = 2 * PS_PER_MS;
    struct batch_summary summary = {.prefill_requests = 1, .cuda_graph = CUDA_GRAPH_NONE};
    struct step_clock clock = {.new_sizes_wait = new_sizes_wait};
    summary.padded_tokens = 2048;
    step_clock_launch(&clock, &cost, &summary, prefill, 0);
    assert_int_equal(clock.launch_done_ps, 10 * PS_PER_MS);
    assert_int_equal(clock.gpu_free_ps, 50 * PS_PER_MS);
    summary.padded_tokens = tokens;
    step_clock_launch(&clock, &cost, &summary, prefill, 10 * PS_PER_MS);
    return clock;
}

/* A launch of a new size goes on for as long as launching a graph takes, then waits for the GPU. */
static void test_new_sizes_wait(void **state)
{
    (void)state;
    struct step_clock known = launched_behind_a_long_step(true, 2040);
    assert_int_equal(known.launch_done_ps, 20 * PS_PER_MS);
    assert_int_equal(known.gpu_free_ps, 100 * PS_PER_MS);
    struct step_clock fresh = launched_behind_a_long_step(true, 300);
    assert_int_equal(fresh.launch_done_ps, (50 + 10 - 2) * PS_PER_MS);
    assert_int_equal(fresh.gpu_free_ps, 100 * PS_PER_MS);
    struct step_clock indifferent = launched_behind_a_long_step(false, 300);
    assert_int_equal(indifferent.launch_done_ps, 20 * PS_PER_MS);
    step_clock_clear(&known);
    step_clock_clear(&fresh);
    step_clock_clear(&indifferent);
}

static void test_launched_sizes(void **state)
{
    (void)state;
    struct launched_sizes sizes = {NULL, 0};
    struct launched_sizes others = {NULL, 0};
    assert_true(launched_sizes_add(&sizes, 257));
    assert_false(launched_sizes_add(&sizes, 272));
    assert_true(launched_sizes_add(&sizes, 273));
    assert_true(launched_sizes_add(&others, 100000));
    launched_sizes_add_all(&sizes, &others);
    assert_false(launched_sizes_add(&sizes, 100000));
    assert_true(launched_sizes_add(&others, 257));
    launched_sizes_clear(&sizes);
    launched_sizes_clear(&others);
}

static void test_run_beyond_the_clock_is_given_up(void **state)
{
    (void)state;
    struct step_cost cost = step_cost_constant(100 * PS_PER_S);
    struct request request = {
        .ask.prompt_tokens = 1, .truth.output_tokens = 100000, .ask.max_output_tokens = 100000};
    struct instance_config config = {.preset = &engine_preset_vllm_0_24,
                                     .policy = &policy_fcfs,
                                     .cost = &cost,
                                     .engine = {.max_batch_tokens = 64,
                                                .max_batch_requests = 8,
                                                .max_model_len = 200000,
                                                .block_tokens = 16,
                                                .num_blocks = 20000,
                                                .chunked_prefill = true}};
    struct instance_group group = {&config, 1, INSTANCE_BOTH};
    struct simulation_settings settings = {
        .groups = &group, .group_count = 1, .client = {.kind = CLIENT_OPEN}};
    for (int stepwise = 0; stepwise < 2; stepwise++) {
        settings.stepwise = stepwise == 1;
        struct simulation *simulation = simulation_create(&settings, &request, 1);
        simulation_run(simulation);
        assert_true(simulation_is_out_of_time(simulation));
        assert_false(simulation_is_stalled(simulation));
        simulation_destroy(simulation);
    }
}

/* Steps that take base + slope x context, chunks that take base + slope x pairs. */
static void make_profile(struct step_profile *profile)
{
    static const uint32_t batches[] = {1, 8, 32};
    static const uint32_t contexts[] = {64, 512, 4096};
    static const uint32_t chunks[] = {64, 1024, 2048};
    static const uint32_t before[] = {0, 4096};
    memset(profile, 0, sizeof *profile);
    profile->tensor_parallel = 1;
    profile->kv_heads = 4;
    profile->multiprocessors = 128;
    for (int b = 0; b < 3; b++) {
        for (int c = 0; c < 3; c++) {
            profile->steps[profile->step_count++] = (struct profile_step){
                .requests = batches[b],
                .context = contexts[c],
                .query_tokens = 1,
                .median_ms = 5 + 0.01 * batches[b] + 1e-5 * batches[b] * (contexts[c] + 64.0)};
        }
    }
    for (int n = 0; n < 3; n++) {
        for (int c = 0; c < 2; c++) {
            double pairs = (double)chunks[n] * (before[c] + chunks[n] / 2.0);
            profile->steps[profile->step_count++] =
                (struct profile_step){.prompt_tokens = chunks[n],
                                      .prompt_context = before[c],
                                      .query_tokens = 1,
                                      .median_ms = 4 + 0.02 * chunks[n] + 1e-6 * pairs};
        }
    }
}

static void test_profile_composes_what_it_was_made_of(void **state)
{
    (void)state;
    static struct step_profile profile;
    struct step_cost cost;
    struct error error;
    make_profile(&profile);
    assert_true(step_profile_compose(&profile, "p", &cost, &error));
    assert_int_equal(cost.decode.count, 3);
    assert_near(cost.decode.cost_ps[1], 5.08e9, 1e3);
    assert_near(cost.decode.cost_ps[2], 5.32e9, 1e3);
    assert_near(cost.tile_ps, 1e4 * 128 * 128 / 4, 1);
    assert_near(cost.mixed.cost_ps[2], (4 + 0.02 * 2048) * 1e9, 1e4);
    assert_near(cost.mixed_attention_ps, 1000, 1e-3);
    assert_near(cost.largest_context_tokens, 32 * 4096, 0);
    struct batch_summary summary = {.decode_requests = 32, .decode_context_tokens = 32 * 1000};
    summary.decode_context_squares = 32 * 1000 * 1000;
    summary.padded_tokens = 32;
    cost.attention.multiprocessors = 4; /* whole rounds: no gaps at the end of one */
    cost.tile_ps = 1e4 * 128;
    struct attention_price price = step_cost_attention(&cost, &summary, NULL);
    assert_near((double)price.token_ps, 1e4, 600);
    step_cost_add_constant(&cost, 1e9);
    assert_near(cost.decode.cost_ps[1], 6.08e9, 1e3);
}

static void test_profile_must_have_enough_points(void **state)
{
    (void)state;
    static struct step_profile profile;
    struct step_cost cost;
    struct error error;
    make_profile(&profile);
    profile.step_count = 4;
    assert_false(step_profile_compose(&profile, "p.json", &cost, &error));
    assert_contains(error.message, "p.json: too few points");
}

/* Every shipped profile prices a step, more for more. */
static void test_shipped_profiles_are_monotone(void **state)
{
    (void)state;
    static struct step_profile profile;
    uint32_t profiles = 0;
    const struct embedded_file *file = NULL;
    while ((file = embedded_next("profiler/profiles/", file)) != NULL) {
        struct step_cost cost;
        struct error error;
        profiles++;
        if (!step_profile_read(&profile, file->path, &error) ||
            !step_profile_compose(&profile, file->path, &cost, &error)) {
            fail_msg("%s", error.message);
        }
        for (uint32_t k = 1; k < cost.decode.count; k++) {
            assert_true(cost.decode.cost_ps[k] >= cost.decode.cost_ps[k - 1]);
        }
        for (uint32_t k = 1; k < cost.mixed.count; k++) {
            assert_true(cost.mixed.cost_ps[k] >= cost.mixed.cost_ps[k - 1]);
        }
    }
    assert_true(profiles > 0);
}

/* A profile of two GPUs tells what one of them holds. */
static void test_profile_of_two_gpus(void **state)
{
    (void)state;
    static struct step_profile one;
    static struct step_profile two;
    struct step_cost cost;
    struct error error;
    const char *path = "profiler/profiles/h200-r1-distill-qwen-7b-bf16-tp2.json";
    if (!step_profile_read(&one, "profiler/profiles/h200-r1-distill-qwen-7b-bf16.json", &error) ||
        !step_profile_read(&two, path, &error) ||
        !step_profile_compose(&two, path, &cost, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(two.tensor_parallel, 2);
    assert_int_equal(two.kv_heads, one.kv_heads / 2);
    assert_int_equal(two.hidden_size, one.hidden_size);
    assert_true(two.kv_bytes_per_token == one.kv_bytes_per_token / 2);
    assert_int_equal(cost.identity.tensor_parallel, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_come_in_total_order),
        cmocka_unit_test(test_queue_ends_and_middle),
        cmocka_unit_test(test_blocks_are_conserved),
        cmocka_unit_test(test_graph_sizes_as_logged),
        cmocka_unit_test(test_batch_sums),
        cmocka_unit_test(test_cost_survives_its_file),
        cmocka_unit_test(test_cost_is_monotone),
        cmocka_unit_test(test_cost_file_errors),
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_request_log_orders_rows),
        cmocka_unit_test(test_new_sizes_wait),
        cmocka_unit_test(test_launched_sizes),
        cmocka_unit_test(test_run_beyond_the_clock_is_given_up),
        cmocka_unit_test(test_profile_composes_what_it_was_made_of),
        cmocka_unit_test(test_profile_must_have_enough_points),
        cmocka_unit_test(test_shipped_profiles_are_monotone),
        cmocka_unit_test(test_profile_of_two_gpus),
    };
    return cmocka_run_group_tests_name("serving", tests, NULL, NULL);
}
