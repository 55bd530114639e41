"""A class at once: many kernels on one machine, an explorer moving in each.

    python benchmarks/kernels.py [--kernels 12] [--moves 20]

Every kernel imports the explorers of lesson 07, opens one, and moves its first slider; all move at
the same time. Prints the memory that each holds for itself (PSS: shared pages are divided among
those who share them; Linux) and the seconds from a move to its picture.
"""
import argparse
import asyncio
import statistics
import time

from jupyter_client import AsyncKernelManager

OPEN = """
import time
from gan_lessons.explorers import lipschitz
shown = lipschitz.penalty_points()
control = next(c for c in shown.controls.values() if hasattr(c, "min"))
places = [control.min + k * (control.max - control.min) / 9 for k in range(10)]
"""
MOVE = """
began = time.perf_counter()
control.value = type(control.value)(places[{k} % 10])
assert shown.error is None, shown.error
print(time.perf_counter() - began)
"""


async def said(client, code: str) -> str:
    """What a cell prints; RuntimeError where it fails."""
    text = []

    def hear(message):
        if message["msg_type"] == "stream":
            text.append(message["content"]["text"])
    reply = await client.execute_interactive(code, output_hook=hear, timeout=600)
    if reply["content"]["status"] != "ok":
        raise RuntimeError("\n".join(reply["content"].get("traceback", ["the kernel died"])))
    return "".join(text)


def memory(pid: int) -> float:
    """MB that a process holds, shared pages divided."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


async def one(number: int, moves: int, ready: asyncio.Barrier):
    """A kernel from its start to its end: (MB, seconds of each move, seconds seen from outside)."""
    manager = AsyncKernelManager()
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=600)
        pid = int((await said(client, OPEN + "import os; print(os.getpid())")).split()[-1])
        await ready.wait()                              # now all move at once
        inside, outside = [], []
        for k in range(moves):
            began = time.perf_counter()
            inside.append(float(await said(client, MOVE.format(k=k + number))))
            outside.append(time.perf_counter() - began)
        return memory(pid), inside, outside
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


async def main():
    ask = argparse.ArgumentParser(description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--kernels", type=int, default=12)
    ask.add_argument("--moves", type=int, default=20)
    asked = ask.parse_args()
    for many in sorted({1, asked.kernels}):
        ready, began = asyncio.Barrier(many), time.perf_counter()
        found = await asyncio.gather(*(one(k, asked.moves, ready) for k in range(many)))
        sizes, inside, outside = zip(*found)
        drawn, seen = ([1000 * t for times in part for t in times] for part in (inside, outside))
        print(f"{many:2} kernels: {sum(sizes):,.0f} MB together, {statistics.mean(sizes):.0f} "
              f"each; a move {statistics.median(drawn):.0f} ms, with the way to the kernel and "
              f"back {statistics.median(seen):.0f} ms in the median, {max(seen):.0f} at most; "
              f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    asyncio.run(main())
