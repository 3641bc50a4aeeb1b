#include "profiler/nvml.h"

#include <dlfcn.h>

/* The functions used, as NVML's API reference declares them; the header is not in every toolkit. */
struct nvml {
    void *device = nullptr;
    int (*clock)(void *, int, unsigned *) = nullptr;
    int (*processes)(void *, unsigned *, void *) = nullptr;
    int (*driver)(char *, unsigned) = nullptr;
};

enum { NVML_SUCCESS = 0, NVML_ERROR_INSUFFICIENT_SIZE = 7, NVML_CLOCK_SM = 1 };

template <typename F> static bool find(void *library, const char *name, F *ret_function)
{
    *ret_function = reinterpret_cast<F>(dlsym(library, name));
    return *ret_function != nullptr;
}

static struct nvml open_nvml(void)
{
    struct nvml nvml;
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW);
    int (*init)(void) = nullptr;
    int (*handle)(unsigned, void **) = nullptr;
    if (library == nullptr || !find(library, "nvmlInit_v2", &init) ||
        !find(library, "nvmlDeviceGetHandleByIndex_v2", &handle) ||
        !find(library, "nvmlDeviceGetClockInfo", &nvml.clock) ||
        !find(library, "nvmlDeviceGetComputeRunningProcesses_v3", &nvml.processes) ||
        !find(library, "nvmlSystemGetDriverVersion", &nvml.driver) || init() != NVML_SUCCESS ||
        handle(0, &nvml.device) != NVML_SUCCESS) {
        return {};
    }
    return nvml;
}

static const struct nvml &nvml(void)
{
    static const struct nvml opened = open_nvml();
    return opened;
}

int gpu_clock_mhz(void)
{
    unsigned mhz = 0;
    bool ok = nvml().device != nullptr &&
              nvml().clock(nvml().device, NVML_CLOCK_SM, &mhz) == NVML_SUCCESS;
    return ok ? (int)mhz : 0;
}

int gpu_process_count(void)
{
    unsigned count = 0;
    if (nvml().device == nullptr) {
        return -1;
    }
    int status = nvml().processes(nvml().device, &count, nullptr);
    return status == NVML_SUCCESS || status == NVML_ERROR_INSUFFICIENT_SIZE ? (int)count : -1;
}

std::string gpu_driver_version(void)
{
    char version[96] = "";
    bool ok = nvml().device != nullptr && nvml().driver(version, sizeof version) == NVML_SUCCESS;
    return ok ? version : "";
}
