"""A vLLM V1 scheduler that logs every forming to steps.csv (calibration/MEASURED_RUN.md).

Load it with --scheduler-cls log_steps.LoggingScheduler; KVCAST_STEPS names the file. It subclasses
the asynchronous scheduler of vLLM 0.24; for a server without async scheduling derive from
vllm.v1.core.sched.scheduler.Scheduler instead.
"""
import os
import time

from vllm.v1.core.sched.async_scheduler import AsyncScheduler

COLUMNS = ("schedule_s,prefill_tokens,prefill_requests,prefill_context_tokens,decode_requests,"
           "decode_context_tokens,running_requests,waiting_requests,kv_utilization,"
           "preempted_requests\n")


class LoggingScheduler(AsyncScheduler):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.log = open(os.environ.get("KVCAST_STEPS", "steps.csv"), "w", encoding="utf-8")
        self.log.write(COLUMNS)

    def schedule(self, *args, **kwargs):
        began = time.monotonic()
        preemptions = self.count_preemptions()
        output = super().schedule(*args, **kwargs)
        prefill_tokens = prefills = prefill_context = decodes = decode_context = 0
        for request_id, tokens in output.num_scheduled_tokens.items():
            # num_computed_tokens has been advanced by what was just scheduled.
            context = self.requests[request_id].num_computed_tokens - tokens
            if tokens > 1:
                prefills += 1
                prefill_tokens += tokens
                prefill_context += context
            else:
                decodes += 1
                decode_context += context
        if output.num_scheduled_tokens:
            self.log.write(f"{began:.6f},{prefill_tokens},{prefills},{prefill_context},{decodes},"
                           f"{decode_context},{len(self.running)},{len(self.waiting)},"
                           f"{self.kv_cache_manager.usage:.5f},"
                           f"{self.count_preemptions() - preemptions}\n")
        return output

    def count_preemptions(self):
        return sum(request.num_preemptions for request in self.requests.values())

    def shutdown(self):
        self.log.close()
        super().shutdown()
