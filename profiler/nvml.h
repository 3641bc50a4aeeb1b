/* What the driver's management library (NVML) says of a GPU, where it is there. */
#ifndef PROFILER_NVML_H
#define PROFILER_NVML_H

#include <string>

/* Clock of the multiprocessors of GPU 0 now; 0 when not known. */
int gpu_clock_mhz(void);

/* Programs that compute on GPU 0; -1 when not known. */
int gpu_process_count(void);

/* The driver's version; "" when not known. */
std::string gpu_driver_version(void);

#endif
