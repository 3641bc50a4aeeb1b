#include "profiler/attention_cudnn.h"

#ifdef KVCAST_CUDNN_FRONTEND

#include <cudnn_frontend.h>
#include <dlfcn.h>

#include <cmath>
#include <map>
#include <tuple>

#include "profiler/device_memory.h"

namespace cudnn_frontend {
void *cudnn_dlhandle = nullptr; /* the frontend calls cuDNN through it */
}

namespace fe = cudnn_frontend;

enum { HEAD_DIM = 128 };

/* Names of a plan's tensors. */
enum tensor_id : int64_t {
    TENSOR_Q,
    TENSOR_K,
    TENSOR_V,
    TENSOR_OUT,
    TENSOR_K_PAGES,
    TENSOR_V_PAGES,
    TENSOR_QUERY_LENGTHS,
    TENSOR_LENGTHS
};

struct attention_plan {
    std::shared_ptr<fe::graph::Graph> graph; /* empty: there is none */
    device_memory<int> query_lengths;
    device_memory<char> workspace;
};

/* requests, heads, KV heads, query tokens, longest, stride of the page table */
using plan_key = std::tuple<int, int, int, int, int, int>;

struct attention_cudnn {
    cudnnHandle_t handle = nullptr;
    std::map<plan_key, struct attention_plan> plans;
};

static bool load_library(void)
{
    if (fe::cudnn_dlhandle == nullptr) {
        fe::cudnn_dlhandle = dlopen("libcudnn.so.9", RTLD_NOW);
    }
    return fe::cudnn_dlhandle != nullptr;
}

struct attention_cudnn *attention_cudnn_create(void)
{
    auto *cudnn = new attention_cudnn;
    if (!load_library() || fe::detail::create_handle(&cudnn->handle) != CUDNN_STATUS_SUCCESS) {
        delete cudnn;
        return nullptr;
    }
    return cudnn;
}

void attention_cudnn_destroy(struct attention_cudnn *cudnn)
{
    if (cudnn != nullptr) {
        fe::detail::destroy_handle(cudnn->handle);
        delete cudnn;
    }
}

std::string attention_cudnn_version(void)
{
    size_t version = load_library() ? fe::detail::get_backend_version() : 0; /* 91900: 9.19.0 */
    return "cuDNN " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) +
           "." + std::to_string(version % 100);
}

static std::shared_ptr<fe::graph::Tensor_attributes>
add_tensor(fe::graph::Graph *graph, const char *name, tensor_id id, fe::DataType_t type,
           const std::vector<int64_t> &dim, const std::vector<int64_t> &stride)
{
    return graph->tensor(fe::graph::Tensor_attributes()
                             .set_name(name)
                             .set_uid(id)
                             .set_data_type(type)
                             .set_dim(dim)
                             .set_stride(stride));
}

static std::shared_ptr<fe::graph::Graph> describe(const struct attention_call *call, int longest)
{
    auto graph = std::make_shared<fe::graph::Graph>();
    graph->set_io_data_type(fe::DataType_t::BFLOAT16)
        .set_intermediate_data_type(fe::DataType_t::FLOAT)
        .set_compute_data_type(fe::DataType_t::FLOAT);
    int64_t b = call->requests;
    int64_t tokens = call->query_tokens;
    int64_t row = (int64_t)(call->heads + 2 * call->kv_heads) * HEAD_DIM;
    int64_t out_row = (int64_t)call->heads * HEAD_DIM;
    int64_t kv_row = (int64_t)call->kv_heads * HEAD_DIM;
    int64_t pages = b * call->table_stride; /* any count: pages are found through the table */
    const auto bf16_type = fe::DataType_t::BFLOAT16;
    const auto int_type = fe::DataType_t::INT32;
    const std::vector<int64_t> pool = {pages, call->kv_heads, PAGE_TOKENS, HEAD_DIM};
    const std::vector<int64_t> pool_stride = {PAGE_TOKENS * kv_row, HEAD_DIM, kv_row, 1};
    const std::vector<int64_t> table = {b, 1, call->table_stride, 1};
    const std::vector<int64_t> table_stride = {call->table_stride, call->table_stride, 1, 1};
    auto q = add_tensor(graph.get(), "q", TENSOR_Q, bf16_type, {b, call->heads, tokens, HEAD_DIM},
                        {tokens * row, HEAD_DIM, row, 1});
    auto k = add_tensor(graph.get(), "k", TENSOR_K, bf16_type, pool, pool_stride);
    auto v = add_tensor(graph.get(), "v", TENSOR_V, bf16_type, pool, pool_stride);
    auto k_pages =
        add_tensor(graph.get(), "k pages", TENSOR_K_PAGES, int_type, table, table_stride);
    auto v_pages =
        add_tensor(graph.get(), "v pages", TENSOR_V_PAGES, int_type, table, table_stride);
    auto query_lengths = add_tensor(graph.get(), "query lengths", TENSOR_QUERY_LENGTHS, int_type,
                                    {b, 1, 1, 1}, {1, 1, 1, 1});
    auto lengths =
        add_tensor(graph.get(), "lengths", TENSOR_LENGTHS, int_type, {b, 1, 1, 1}, {1, 1, 1, 1});
    auto options = fe::graph::SDPA_attributes()
                       .set_name("attention")
                       .set_generate_stats(false)
                       .set_attn_scale(1 / std::sqrt((float)HEAD_DIM))
                       .set_padding_mask(true)
                       .set_seq_len_q(query_lengths)
                       .set_seq_len_kv(lengths)
                       .set_paged_attention_k_table(k_pages)
                       .set_paged_attention_v_table(v_pages)
                       .set_paged_attention_max_seq_len_kv(longest)
                       .set_diagonal_alignment(fe::DiagonalAlignment_t::BOTTOM_RIGHT)
                       .set_diagonal_band_right_bound(0);
    auto outputs = graph->sdpa(q, k, v, options);
    outputs[0]
        ->set_output(true)
        .set_uid(TENSOR_OUT)
        .set_data_type(bf16_type)
        .set_dim({b, call->heads, tokens, HEAD_DIM})
        .set_stride({tokens * out_row, HEAD_DIM, out_row, 1});
    return graph;
}

static void make_plan(struct attention_cudnn *cudnn, const struct attention_call *call, int longest,
                      struct attention_plan *plan)
{
    auto graph = describe(call, longest);
    int64_t bytes = 0;
    auto status = graph->build(cudnn->handle, {fe::HeurMode_t::A});
    if (status.is_good()) {
        status = graph->get_workspace_size(bytes);
    }
    if (status.is_bad()) {
        fprintf(stderr, "kvcast-profile: no attention by cuDNN for %d tokens of %d: %s\n",
                call->query_tokens, longest, status.get_message().c_str());
        return;
    }
    plan->graph = graph;
    plan->workspace.allocate((size_t)bytes + 1, "the workspace of cuDNN");
    plan->query_lengths.allocate(call->requests, "lengths");
    plan->query_lengths.upload(std::vector<int>(call->requests, call->query_tokens));
}

bool attention_cudnn_prefill(struct attention_cudnn *cudnn, const struct attention_call *call,
                             int longest, cudaStream_t stream)
{
    plan_key key = {call->requests,     call->heads, call->kv_heads,
                    call->query_tokens, longest,     call->table_stride};
    auto place = cudnn->plans.find(key);
    if (place == cudnn->plans.end()) {
        place = cudnn->plans.emplace(key, attention_plan{}).first;
        make_plan(cudnn, call, longest, &place->second);
    }
    struct attention_plan &plan = place->second;
    if (plan.graph == nullptr) {
        return false;
    }
    std::unordered_map<int64_t, void *> tensors = {
        {TENSOR_Q, const_cast<bf16 *>(call->qkv)},
        {TENSOR_K, const_cast<void *>(call->k_pool)},
        {TENSOR_V, const_cast<void *>(call->v_pool)},
        {TENSOR_OUT, call->out},
        {TENSOR_K_PAGES, const_cast<int *>(call->page_table)},
        {TENSOR_V_PAGES, const_cast<int *>(call->page_table)},
        {TENSOR_QUERY_LENGTHS, plan.query_lengths.get()},
        {TENSOR_LENGTHS, const_cast<int *>(call->lengths)}};
    fe::detail::set_stream(cudnn->handle, stream);
    auto status = plan.graph->execute(cudnn->handle, tensors, plan.workspace.get());
    if (status.is_bad()) {
        fprintf(stderr, "kvcast-profile: cuDNN: %s\n", status.get_message().c_str());
        exit(1);
    }
    return true;
}

#else

struct attention_cudnn *attention_cudnn_create(void)
{
    return nullptr;
}

void attention_cudnn_destroy(struct attention_cudnn *cudnn)
{
    (void)cudnn;
}

std::string attention_cudnn_version(void)
{
    return "";
}

bool attention_cudnn_prefill(struct attention_cudnn *, const struct attention_call *, int,
                             cudaStream_t)
{
    return false;
}

#endif
