"""What a training changes in the process, and puts back.

Threads, precision, the global random state, and what SIGINT does.
"""
from __future__ import annotations

import contextlib
import signal
import threading

import torch


def bfloat16_pays(device) -> bool:
    """Whether the device multiplies bfloat16 by itself; where it is emulated it is slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()


@contextlib.contextmanager
def process_settings(precision, threads, device):
    """Threads, float32 products and the global random state: set for the run, then put back."""
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision("highest" if precision == "highest" else "medium")
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.set_float32_matmul_precision(before[1])


@contextlib.contextmanager
def stop_button():
    """A list that becomes true once SIGINT has come, which the stop button of a notebook sends.

    So the round under way can be finished. A second SIGINT raises KeyboardInterrupt at once, for a
    round that hangs.
    """
    flag = []
    if threading.current_thread() is not threading.main_thread():
        yield flag                           # only the main thread may set handlers: never stopped
        return
    before = signal.getsignal(signal.SIGINT)

    def stop(number, frame):
        if flag:
            raise KeyboardInterrupt
        flag.append(True)

    signal.signal(signal.SIGINT, stop)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, before)
