"""What a training changes in the process, and puts back: threads, precision, random state, SIGINT."""
from __future__ import annotations

import contextlib
import signal
import threading

import torch


def bfloat16_pays(device) -> bool:
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
    """A list that becomes true once SIGINT has come; a second SIGINT raises KeyboardInterrupt at once."""
    flag = []
    if threading.current_thread() is not threading.main_thread():
        yield flag
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
