"""Forked kernels are what plain kernels are, end with who asked for them, and are not needed."""
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest
from jupyter_client.manager import start_new_kernel

if sys.platform != "linux":
    pytest.skip("kernels are forked on Linux alone", allow_module_level=True)

import warm_kernels  # noqa: E402


@pytest.fixture
def start(monkeypatch):
    """start(folder, **environment) -> (manager, ask): a kernel, and what a cell prints there."""
    running = []

    def start(folder=None, **environment):
        if folder:
            monkeypatch.setenv("JUPYTER_PATH", str(folder))
        env = {**os.environ, **environment}
        manager, client = start_new_kernel(startup_timeout=120, kernel_name="python3", env=env)
        running.append((manager, client))

        def ask(code):
            said = []
            client.execute_interactive(code, timeout=60, output_hook=lambda message: said.append(
                message["content"].get("text") or message["content"].get("ename") or ""))
            return "".join(said).strip()
        return manager, ask

    yield start
    for manager, client in running:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture
def warm(start):
    if os.environ.get("GAN_LESSONS_WARM") == "0":
        pytest.skip("GAN_LESSONS_WARM is 0")
    return start


def loaded(ask, name):
    return ask(f"import sys; print({name!r} in sys.modules)") == "True"


def test_a_fork_has_the_libraries_and_nothing_of_the_course(warm, tmp_path):
    manager, ask = warm(GAN_LESSONS_BUDGET="full", HERE=str(tmp_path))
    assert loaded(ask, "torch")
    assert not any(loaded(ask, name) for name in ("gan_lessons", "conftest", "pytest",
                                                  "matplotlib_inline.backend_inline"))
    environment = ask("import os; print(os.environ['GAN_LESSONS_BUDGET'], os.environ['HERE'])")
    assert environment == f"full {tmp_path}"
    assert ask("print(__name__, os.getcwd() == sys.path[0], __builtins__.__name__)").startswith(
        "__main__")
    assert str(warm_kernels.HERE.parent) not in ask("print(sys.path)")


def test_two_forks_share_no_name_and_draw_different_numbers(warm):
    (_, one), (_, two) = warm(), warm()
    one("x = 1")
    assert two("print(x)").endswith("NameError")
    draw = ("import numpy, random, torch\n"
            "print(numpy.random.rand(), random.random(), torch.rand(()).item())")
    assert set(one(draw).split()).isdisjoint(two(draw).split())


def test_a_seed_draws_in_a_fork_what_it_draws_in_a_plain_kernel(warm, tmp_path):
    draw = "import torch; torch.manual_seed(3); print(torch.rand(3), torch.randn(2, 40).sum())"
    (_, fork), (_, plain) = warm(), plain_kernel(warm, tmp_path)
    assert fork(draw) == plain(draw) != ""


def plain_kernel(start, folder):
    """A kernel of a specification whose server has failed before."""
    warm_kernels.install(folder)
    (folder / warm_kernels.key(os.environ)).with_suffix(".failed").touch()
    return start(folder)


def test_without_a_server_the_plain_kernel_starts(start, tmp_path):
    manager, ask = plain_kernel(start, tmp_path)
    assert not loaded(ask, "torch")
    assert ask("print(sys.argv[0].endswith('ipykernel_launcher.py'))") == "True"


def test_a_server_that_cannot_import_is_tried_once(start, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "joblib.py").write_text("raise ImportError('made up')")
    warm_kernels.install(tmp_path / "kernels_here")
    path = os.pathsep.join([str(tmp_path / "broken"), os.environ.get("PYTHONPATH", "")])
    manager, ask = start(tmp_path / "kernels_here", PYTHONPATH=path)
    assert not loaded(ask, "torch")
    assert len(list((tmp_path / "kernels_here").glob("*.failed"))) == 1


def test_an_interrupt_reaches_the_fork_and_leaves_it_alive(warm, tmp_path):
    manager, ask = warm()
    flag = tmp_path / "begun"
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(30)
    nap = f"import pathlib, time; pathlib.Path({str(flag)!r}).touch(); time.sleep(60)"
    asked = client.execute(nap)
    wait_until(flag.exists)
    manager.interrupt_kernel()
    reply = {"parent_header": {}}
    while reply["parent_header"].get("msg_id") != asked:    # it may answer older questions first
        reply = client.get_shell_msg(timeout=30)
    assert reply["content"].get("ename") == "KeyboardInterrupt"
    client.stop_channels()
    assert manager.is_alive()


def test_a_fork_ends_with_the_process_that_asked_for_it(warm):
    manager, ask = warm()
    pid = int(ask("import os; print(os.getpid())"))
    assert warm_kernels.alive(pid)
    manager.provisioner.process.kill()
    wait_until(lambda: not warm_kernels.alive(pid))


def test_a_fork_ends_with_a_client_that_was_killed(warm, tmp_path):
    write = f"import os; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))"
    client = f"""
import os
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(startup_timeout=120, kernel_name="python3")
client.execute_interactive({write!r}, timeout=60)
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", client], timeout=200).returncode == -9
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not warm_kernels.alive(pid))


def test_a_fork_that_dies_is_seen_to_be_dead(warm):
    manager, ask = warm()
    os.kill(int(ask("import os; print(os.getpid())")), 9)
    wait_until(lambda: not manager.is_alive())


def test_kernels_share_a_server_only_if_they_would_start_alike(tmp_path):
    key = warm_kernels.key
    plain = {"OMP_NUM_THREADS": "1", "PYTHONPATH": "a", "GAN_LESSONS_BUDGET": "smoke"}
    assert key(plain) == key({**plain, "GAN_LESSONS_BUDGET": "full"})
    assert key(plain) == key({**plain, "PYTHONPATH": "b"})
    (tmp_path / "torch").mkdir()
    for other in ({"OMP_NUM_THREADS": "2"}, {"PYTHONPATH": f"b{os.pathsep}{tmp_path}"},
                  {"PYTHONHASHSEED": "0"}, {"MPLBACKEND": "agg"}, {"MALLOC_MMAP_MAX_": "0"}):
        assert key({**plain, **other}) != key(plain)


def test_a_fork_looks_where_its_own_path_says(warm, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "made_up.py").write_text(f"here = {name!r}")
    given = os.environ.get("PYTHONPATH", "")
    for name in "ab":
        path = os.pathsep.join(filter(None, [str(tmp_path / name), given]))
        manager, ask = warm(PYTHONPATH=path)
        assert ask("import made_up, os; print(made_up.here, os.environ['PYTHONPATH'])") == (
            f"{name} {path}")
    manager, ask = warm(PYTHONPATH="")
    assert ask("import made_up").endswith("ModuleNotFoundError")


def test_the_specification_is_this_python(tmp_path):
    warm_kernels.install(tmp_path)
    spec = json.loads((tmp_path / "kernels" / "python3" / "kernel.json").read_text())
    assert spec["argv"][0] == sys.executable and "{connection_file}" in spec["argv"]
    assert pathlib.Path(spec["argv"][3]) == warm_kernels.HERE


def wait_until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
