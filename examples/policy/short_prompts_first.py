"""The key of a scheduling policy, for python_policy.c: short prompts first, and no wait for ever."""
import ctypes


class Request(ctypes.Structure):
    """struct policy_request of scheduling_policy.h, ABI 1."""
    _fields_ = [("id", ctypes.c_uint32), ("user", ctypes.c_uint32), ("dataset", ctypes.c_uint32),
                ("priority", ctypes.c_int32), ("question", ctypes.c_uint64), ("samples", ctypes.c_uint32),
                ("sent_ps", ctypes.c_int64), ("deadline_ps", ctypes.c_int64), ("prompt_tokens", ctypes.c_uint32),
                ("max_output_tokens", ctypes.c_uint32), ("output_tokens", ctypes.c_uint32),
                ("held_blocks", ctypes.c_uint32), ("preemptions", ctypes.c_uint32),
                ("predicted_tokens", ctypes.c_double), ("key", ctypes.c_double)]


PATIENCE_S = 10


@ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.POINTER(Request))
def key(_view, request):
    """The smallest goes first."""
    return request.contents.prompt_tokens / 1000 + request.contents.sent_ps * 1e-12 / PATIENCE_S


ctypes.CDLL(bridge).set_key(key)  # 'bridge' is the path of python_policy.so
