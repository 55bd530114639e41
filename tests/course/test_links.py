"""Links inside the project lead somewhere; and the check sees one that does not."""
import http.server
import json
import threading

import links
import pytest


def test_no_link_of_a_page_leads_nowhere():
    assert len(links.pages()) > 25 and links.broken() == []


@pytest.fixture
def project(tmp_path):
    def write(**pages):
        for name, text in pages.items():
            folder = tmp_path / ("notebooks" if name[0] == "n" else ".")
            folder.mkdir(exist_ok=True)
            if name[0] == "n":
                cells = [{"cell_type": "markdown", "source": [text]},
                         {"cell_type": "code", "source": ["a[0](no.md)"]}]
                (folder / f"{name}.ipynb").write_text(json.dumps({"cells": cells}))
            else:
                (folder / f"{name}.md").write_text(text)
        return tmp_path
    return write


@pytest.mark.parametrize("link, problem", [
    ("[a](b.md)", ""), ("[a](b.md#two-words)", ""), ("[a](#One:-two)", ""),
    ("[a](docs/)", "no such"),
    ("[a](c.md)", "no such file"), ("[a](b.md#three)", "no heading"), ("[a](#two)", "no heading"),
    ("![a picture](x%20y.png)", "no such file"), ('<a href="c.md">a</a>', "no such file"),
    ("[a](../../etc)", ""), ("[a][1]\n\n[1]: c.md", "no such"), ('[a](c.md "title")', "no such"),
    ("`[a](c.md)`", ""), ("```\n[a](c.md)\n```", ""), ("$E[x](c.md)$", ""), (r"\[a\](c.md)", ""),
    ("[a](mailto:x@example.org)", ""), ("[a](https://example.org/c.md)", "")])
def test_links_of_every_kind(project, link, problem):
    if "etc" in link:
        root = project(a="x", n0="[a](../../../../../../../etc)")
        assert "leads out" in links.broken(root)[0] or "no such" in links.broken(root)[0]
        return
    root = project(a=f"# One: two\n\n{link}", b="## Two *words*")
    found = links.broken(root)
    assert len(found) == bool(problem) and all(problem in line for line in found), found
    assert bool(links.broken(project(a="x", b="x", n1="## Only\n\n[a](../c.md)")))


def test_the_world_is_asked_once_for_each_address_and_robots_are_not_liked_everywhere(project):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(int(self.path.strip("/") or 200))
            self.end_headers()

        def log_message(self, *_):
            pass
    asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    root = project(a=f"[a]({here}/200) [b]({here}/200#x) [c]({here}/404) <{here}/403>.", b="x")
    known = links.addresses(root)
    assert list(known) == [f"{here}/{code}" for code in (200, 404, 403)]
    assert [links.asked(address) for address in known] == [None, "404 Not Found", None]
    assert asked == ["/200", "/404", "/404", "/403"]
    server.shutdown()
    server.server_close()
    assert "refused" in links.asked(f"{here}/200").lower()
