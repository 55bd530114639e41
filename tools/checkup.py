"""What `python lessons.py doctor` sees from outside the environment, then doctor.py from inside.

Readable for an old Python, which is told that it is one.
"""
import platform
import shutil
import sys

import lessons
from lessons import GB, PYTHON, ROOM, ROOT, TOOLS, VENV, Stop, say


def main():
    """Print a line for each topic; 1 when something is broken, else 0."""
    broken = False

    def line(state, topic, text):
        say("%-5s %-9s %s" % (state, topic, text))
        return state == "FAIL"

    try:
        lessons.check_python()
        broken |= line("ok", "Python", "%s, %s, %s %s" % (
            platform.python_version(), sys.executable, platform.system(), platform.machine()))
    except Stop as stop:
        broken |= line("FAIL", "Python", str(stop))
    starts = bool(lessons.venv_python())        # a common one may be of another Python than this
    fine = lessons.ready() and starts
    try:
        lessons.check_room(0.5 * GB if fine else ROOM["cpu"])
        place = VENV if VENV.exists() else ROOT
        broken |= line("ok", "disk", "%.1f GB free" % (shutil.disk_usage(str(place)).free / GB))
    except Stop as stop:
        broken |= line("FAIL", "disk", str(stop))
    try:
        if not fine:
            lessons.check_ours()
            raise Stop("%s: %s; run: python lessons.py setup" % (VENV, lessons.condition()))
        line("ok", "set-up", str(VENV))
    except Stop as stop:
        broken |= line("FAIL", "set-up", str(stop))
    if starts:
        broken |= bool(lessons.start(str(PYTHON), str(TOOLS / "doctor.py")))
    return int(broken)
