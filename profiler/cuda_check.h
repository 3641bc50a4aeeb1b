/* Errors of the CUDA runtime and cuBLASLt end the program with the call and its place. */
#ifndef PROFILER_CUDA_CHECK_H
#define PROFILER_CUDA_CHECK_H

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>

#define cuda_check(call)                                                                           \
    do {                                                                                           \
        cudaError_t cuda_status = (call);                                                          \
        if (cuda_status != cudaSuccess) {                                                          \
            fprintf(stderr, "kvcast-profile: %s:%d: %s: %s\n", __FILE__, __LINE__, #call,          \
                    cudaGetErrorString(cuda_status));                                              \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define cublas_check(call)                                                                         \
    do {                                                                                           \
        cublasStatus_t cublas_status = (call);                                                     \
        if (cublas_status != CUBLAS_STATUS_SUCCESS) {                                              \
            fprintf(stderr, "kvcast-profile: %s:%d: %s: %s\n", __FILE__, __LINE__, #call,          \
                    cublasLtGetStatusString(cublas_status));                                       \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#endif
