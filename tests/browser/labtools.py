"""A JupyterLab of its own for the browser: free port, token, private settings, clean shutdown."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-dev-shm-usage", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync"]
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # every cell in the page
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/filebrowser-extension/browser": {"showLastModifiedColumn": False},
}
EXTENSIONS = pathlib.Path(__file__).resolve().parents[2] / "tools" / "labextensions"


def find_chromium() -> str | None:
    """Path of a Chromium or Chrome ($CHROMIUM first), or None: then playwright's own, if any."""
    names = "chromium chromium-browser google-chrome google-chrome-stable chrome msedge".split()
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@contextlib.contextmanager
def chromium():
    """A headless browser; playwright's Error where there is none."""
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def lab_server(root, timeout=90, **environment):
    """Start JupyterLab over the folder `root`; yields (address, token)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, token = f"http://127.0.0.1:{port}", secrets.token_hex(16)
    private = pathlib.Path(tempfile.mkdtemp(prefix="gan-lessons-lab-"))
    for name, values in SETTINGS.items():
        path = private / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    places = dict(JUPYTER_CONFIG_DIR="config", JUPYTER_DATA_DIR="data", JUPYTER_RUNTIME_DIR="run",
                  IPYTHONDIR="ipython", JUPYTERLAB_SETTINGS_DIR="settings",
                  JUPYTERLAB_WORKSPACES_DIR="workspaces")
    env = {
        **os.environ,
        **{key: str(private / name) for key, name in places.items()},
        **environment,
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={root}",
        "--ServerApp.log_level=WARN",
        "--LabApp.expose_app_in_browser=True",
        f"--LabServerApp.extra_labextensions_path={EXTENSIONS}",
        "--ServerApp.kernel_websocket_connection_class=gan_lessons.drawing.server.PromptConnection",
    ]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.append("--ServerApp.allow_root=True")
    log = private / "server.log"
    with open(log, "wb") as out:
        server = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT)

    def call(path, method="GET"):
        request = urllib.request.Request(address + path, method=method,
                                         headers={"Authorization": f"token {token}"})
        return urllib.request.urlopen(request, timeout=10)

    try:
        deadline = time.monotonic() + timeout
        while True:
            try:
                call("/api/status").close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    said = log.read_text()[-4000:]
                    raise RuntimeError("JupyterLab did not start:\n" + said) from None
                time.sleep(0.2)
        yield address, token
    finally:
        with contextlib.suppress(OSError):
            call("/api/shutdown", "POST").close()       # stops the kernels too
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)
        shutil.rmtree(private, ignore_errors=True)


# The idle badge is not enough: it can show before the session has a kernel, and a run is then lost.
READY = """async path => {
  const nap = ms => new Promise(done => setTimeout(done, ms)), app = window.jupyterapp;
  const panel = () => { const p = app && app.shell.currentWidget;
    return p && p.sessionContext && p.content && p.content.widgets && p.context.path === path
      ? p : null; };
  for (let i = 0; i < 600 && !panel(); i++) await nap(50);
  const p = panel();
  if (!p) throw new Error('no notebook was opened');
  await p.context.ready; await p.sessionContext.ready;
  for (let i = 0; i < 1200; i++) {
    const kernel = p.sessionContext.session && p.sessionContext.session.kernel;
    if (kernel && kernel.connectionStatus === 'connected' && kernel.status === 'idle') {
      await kernel.info; return; }
    await nap(50);
  }
  throw new Error('the kernel did not become ready');
}"""
OPEN = "path => { window.jupyterapp.commands.execute('docmanager:open', {path}); }"
RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap((cell, i) => {
  if (cell.model.type !== 'code') return [];
  if ((cell.model.getMetadata('tags') || []).some(t => t.endsWith('raises-exception'))) return [];
  return cell.model.outputs.toJSON().filter(o => o.output_type === 'error')
    .map(o => `cell ${i}: ${o.ename}: ${o.evalue}`);
})"""


def open_notebook(page, lab, path):
    """Open the notebook `path` (relative to the lab's root) and wait for its kernel."""
    address, token = lab
    if page.url.startswith(address):
        page.evaluate(OPEN, path)
    else:
        page.goto(f"{address}/lab/tree/{path}?reset&token={token}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.evaluate(READY, path)


def shut_down(page):
    """Close the notebook and end its kernel: the memory of one lesson is not kept for the next."""
    page.evaluate("""async () => { const panel = window.jupyterapp.shell.currentWidget;
        await panel.sessionContext.shutdown(); panel.dispose(); }""")
    page.tidy = True
