/* Memory on the GPU that frees itself. Running out is an error that says what for. */
#ifndef PROFILER_DEVICE_MEMORY_H
#define PROFILER_DEVICE_MEMORY_H

#include <cstddef>
#include <vector>

#include "profiler/cuda_check.h"

template <typename T> class device_memory {
  public:
    device_memory() = default;
    device_memory(const device_memory &) = delete;
    device_memory &operator=(const device_memory &) = delete;
    device_memory(device_memory &&other) noexcept : data_(other.data_), count_(other.count_)
    {
        other.data_ = nullptr;
        other.count_ = 0;
    }
    ~device_memory()
    {
        release();
    }

    void allocate(size_t count, const char *what)
    {
        release();
        cudaError_t status = cudaMalloc(reinterpret_cast<void **>(&data_), count * sizeof(T));
        if (status != cudaSuccess) {
            fprintf(stderr, "kvcast-profile: %.1f GiB for %s: %s\n",
                    (double)(count * sizeof(T)) / (1u << 30), what, cudaGetErrorString(status));
            exit(1);
        }
        count_ = count;
    }
    void release()
    {
        if (data_ != nullptr) {
            cudaFree(data_);
        }
        data_ = nullptr;
        count_ = 0;
    }
    void upload(const std::vector<T> &values)
    {
        cuda_check(
            cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
    }
    std::vector<T> download(size_t count) const
    {
        std::vector<T> values(count);
        cuda_check(cudaMemcpy(values.data(), data_, count * sizeof(T), cudaMemcpyDeviceToHost));
        return values;
    }
    T *get() const
    {
        return data_;
    }
    size_t size() const
    {
        return count_;
    }

  private:
    T *data_ = nullptr;
    size_t count_ = 0;
};

#endif
