"""Asks NVIDIA's driver which GPUs there are, through ctypes and only on demand. It runs nothing."""

import ctypes

_found = None


def driver_info():
    """{"count", "names", "cuda", "error"}: GPUs of this machine, the driver's CUDA version."""
    global _found
    if _found is None:
        _found = {"count": 0, "names": [], "cuda": None, "error": None}
        try:
            _ask(_found)
        except (OSError, AttributeError) as e:
            _found["error"] = f"no NVIDIA driver ({e})"
    return _found


def _ask(found):
    import sys

    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    driver = ctypes.CDLL(name)
    status = driver.cuInit(0)
    if status:
        found["error"] = f"NVIDIA driver found, cuInit failed with error {status}"
        return
    number = ctypes.c_int()
    driver.cuDriverGetVersion(ctypes.byref(number))
    found["cuda"] = f"{number.value // 1000}.{number.value % 1000 // 10}"
    driver.cuDeviceGetCount(ctypes.byref(number))
    found["count"] = number.value
    text = ctypes.create_string_buffer(256)
    for i in range(found["count"]):
        device = ctypes.c_int()
        driver.cuDeviceGet(ctypes.byref(device), i)
        driver.cuDeviceGetName(text, len(text), device)
        found["names"].append(text.value.decode("utf-8", "replace"))
