/* Attention against double precision on the CPU, for lengths that fill neither page, tile nor
 * split. */
#include <algorithm>
#include <cmath>

#include "profiler/attention.h"
#include "profiler/attention_cudnn.h"
#include "profiler/device_memory.h"

enum { HEAD_DIM = 128 };

/* A small problem with everything on the CPU too. */
struct attention_problem {
    device_memory<bf16> qkv, out;
    device_memory<bf16> k16, v16;
    device_memory<__nv_fp8_e4m3> k8, v8;
    device_memory<int> table, lengths;
    device_memory<float> partial;
    struct attention_call call = {};
    std::vector<float> queries, keys, values;
    std::vector<int> pages, tokens;
};

static void make_problem(struct attention_problem *problem, int heads, int kv_heads,
                         int query_tokens, const std::vector<int> &lengths, kv_type type)
{
    int requests = (int)lengths.size();
    int stride =
        (*std::max_element(lengths.begin(), lengths.end()) + PAGE_TOKENS - 1) / PAGE_TOKENS;
    size_t pool = (size_t)requests * stride * PAGE_TOKENS * kv_heads * HEAD_DIM;
    size_t row = (size_t)(heads + 2 * kv_heads) * HEAD_DIM;
    problem->qkv.allocate(requests * query_tokens * row, "a check");
    problem->out.allocate((size_t)requests * query_tokens * heads * HEAD_DIM, "a check");
    problem->table.allocate((size_t)requests * stride, "a check");
    problem->lengths.allocate(requests, "a check");
    fill_random_bf16(problem->qkv.get(), problem->qkv.size(), 1.7f, 11, nullptr);
    fill_random_bytes(problem->out.get(), problem->out.size() * 2, 1, nullptr);
    problem->pages.resize((size_t)requests * stride);
    for (size_t i = 0; i < problem->pages.size(); i++) {
        problem->pages[i] = (int)(problem->pages.size() - 1 - i);
    }
    problem->table.upload(problem->pages);
    problem->lengths.upload(lengths);
    problem->tokens = lengths;
    for (bf16 value : problem->qkv.download(problem->qkv.size())) {
        problem->queries.push_back(__bfloat162float(value));
    }
    if (type == kv_type::bf16) {
        problem->k16.allocate(pool, "a check");
        problem->v16.allocate(pool, "a check");
        fill_random_bf16(problem->k16.get(), pool, 1.7f, 12, nullptr);
        fill_random_bf16(problem->v16.get(), pool, 1, 13, nullptr);
        for (bf16 value : problem->k16.download(pool)) {
            problem->keys.push_back(__bfloat162float(value));
        }
        for (bf16 value : problem->v16.download(pool)) {
            problem->values.push_back(__bfloat162float(value));
        }
    } else {
        problem->k8.allocate(pool, "a check");
        problem->v8.allocate(pool, "a check");
        fill_random_fp8(problem->k8.get(), pool, 1.7f, 12, nullptr);
        fill_random_fp8(problem->v8.get(), pool, 1, 13, nullptr);
        for (__nv_fp8_e4m3 value : problem->k8.download(pool)) {
            problem->keys.push_back((float)value);
        }
        for (__nv_fp8_e4m3 value : problem->v8.download(pool)) {
            problem->values.push_back((float)value);
        }
    }
    bool fp8 = type == kv_type::fp8;
    problem->call = {.qkv = problem->qkv.get(),
                     .k_pool = fp8 ? (const void *)problem->k8.get() : problem->k16.get(),
                     .v_pool = fp8 ? (const void *)problem->v8.get() : problem->v16.get(),
                     .page_table = problem->table.get(),
                     .lengths = problem->lengths.get(),
                     .out = problem->out.get(),
                     .table_stride = stride,
                     .requests = requests,
                     .heads = heads,
                     .kv_heads = kv_heads,
                     .query_tokens = query_tokens,
                     .type = type};
}

/* One output row in double precision. */
static std::vector<double> reference_row(const struct attention_problem *problem, int request,
                                         int token, int head)
{
    const struct attention_call *call = &problem->call;
    int kv_head = head / (call->heads / call->kv_heads);
    int last = problem->tokens[request] - call->query_tokens + token;
    size_t index = (size_t)request * call->query_tokens + token;
    const float *q =
        &problem->queries[(index * (call->heads + 2 * call->kv_heads) + head) * HEAD_DIM];
    std::vector<double> scores(last + 1), out(HEAD_DIM, 0.0);
    auto at = [&](int t) {
        int page = problem->pages[(size_t)request * call->table_stride + t / PAGE_TOKENS];
        return (((size_t)page * PAGE_TOKENS + t % PAGE_TOKENS) * call->kv_heads + kv_head) *
               HEAD_DIM;
    };
    double best = -1e300;
    for (int t = 0; t <= last; t++) {
        double sum = 0;
        for (int d = 0; d < HEAD_DIM; d++) {
            sum += (double)q[d] * problem->keys[at(t) + d];
        }
        scores[t] = sum / std::sqrt((double)HEAD_DIM);
        best = std::max(best, scores[t]);
    }
    double weight = 0;
    for (int t = 0; t <= last; t++) {
        double w = std::exp(scores[t] - best);
        weight += w;
        for (int d = 0; d < HEAD_DIM; d++) {
            out[d] += w * problem->values[at(t) + d];
        }
    }
    for (double &value : out) {
        value /= weight;
    }
    return out;
}

static bool agrees(const struct attention_problem *problem, const char *what)
{
    const struct attention_call *call = &problem->call;
    auto found = problem->out.download(problem->out.size());
    for (int request = 0; request < call->requests; request++) {
        for (int token = 0; token < call->query_tokens;
             token += std::max(1, call->query_tokens / 5)) {
            for (int head = 0; head < call->heads; head += 3) {
                auto expected = reference_row(problem, request, token, head);
                size_t index = ((size_t)request * call->query_tokens + token) * call->heads + head;
                for (int d = 0; d < HEAD_DIM; d++) {
                    double got = __bfloat162float(found[index * HEAD_DIM + d]);
                    if (std::isnan(got) || std::fabs(got - expected[d]) > 0.02) {
                        fprintf(
                            stderr,
                            "kvcast-profile: check of %s failed: %d heads, %d KV heads, request "
                            "%d of %d tokens, query %d, head %d, dimension %d: got %g, expected "
                            "%g\n",
                            what, call->heads, call->kv_heads, request, problem->tokens[request],
                            token, head, d, got, expected[d]);
                        return false;
                    }
                }
            }
        }
    }
    return true;
}

bool attention_check(struct attention_cudnn *cudnn)
{
    for (kv_type type : {kv_type::bf16, kv_type::fp8}) {
        for (int query_tokens : {1, 4}) {
            for (int splits : {1, 3}) {
                struct attention_problem problem;
                make_problem(&problem, 28, 4, query_tokens, {5, 17, 640, 1003}, type);
                problem.partial.allocate(attention_partial_floats(&problem.call, splits),
                                         "a check");
                attention_decode(&problem.call, splits, problem.partial.get(), nullptr);
                if (!agrees(&problem, "decode attention")) {
                    return false;
                }
            }
        }
        struct attention_problem problem;
        make_problem(&problem, 10, 2, 300, {300, 1001}, type);
        attention_prefill(&problem.call, nullptr);
        if (!agrees(&problem, "prefill attention")) {
            return false;
        }
        if (cudnn != nullptr && type == kv_type::bf16) {
            fill_random_bytes(problem.out.get(), problem.out.size() * 2, 2, nullptr);
            bool has_plan = attention_cudnn_prefill(cudnn, &problem.call, 1001, nullptr);
            if (has_plan && !agrees(&problem, "prefill attention by cuDNN")) {
                return false;
            }
        }
    }
    return true;
}
