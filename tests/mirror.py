"""A mirror of our own, whose transfers break off, dawdle or know nothing of ranges."""
import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

DATA = np.random.default_rng(0).bytes(300_000)
HASH = "md5:" + hashlib.md5(DATA).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `files`; `breaks` is a list of how many bytes the next answers break off after."""

    daemon_threads = True

    def __init__(self, files, breaks=(), ranges=True, wait=0.0):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files, self.breaks, self.ranges, self.wait = files, list(breaks), ranges, wait
        self.asked = []
        self.url = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.send_response(403)  # an answer, though not a friendly one
        self.end_headers()

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append((self.path[1:], wanted))
        data = server.files.get(self.path[1:])
        if data is None:
            return self.send_error(404)
        start = int(wanted[6:].rstrip("-")) if wanted and server.ranges else 0
        if start >= len(data):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = start + server.breaks.pop(0) if server.breaks else len(data)
        for at in range(start, min(end, len(data)), 50_000):
            self.wfile.write(data[at:min(at + 50_000, end)])
            time.sleep(server.wait)
