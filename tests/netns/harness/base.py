# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Deadlines, commands, and the record of everything to remove when a test ends, however it ends."""
import atexit
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("UL_BUILD", ROOT / "build")).resolve()
# slowness of the machine: multiplies deadlines, divides rates
SLOW = float(os.environ.get("UL_SLOW", "1"))
# tools of packages that are unpacked and not installed, because they would start services
for folder in ("usr/bin", "usr/sbin", "usr/lib/openvswitch-switch"):
    os.environ["PATH"] = f"{BUILD}/unpacked/openvswitch/{folder}:{os.environ['PATH']}"
OWN_PREFIX = f"ul-{os.getpid()}-"
ANY_PREFIX = re.compile(r"ul-(\d+)-")
LIBC = ctypes.CDLL(None, use_errno=True)


def wait_until(condition, deadline=30, describe="condition"):
    """Returns the first true value of condition(); fails after deadline seconds (times UL_SLOW).

    describe is the text of the failure, or a function that returns it.
    """
    end = time.monotonic() + deadline * SLOW
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            text = describe() if callable(describe) else describe
            raise AssertionError(f"not within {deadline * SLOW:g} s: {text}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def holds_for(condition, seconds, describe="condition"):
    """The opposite of wait_until(): condition() must be true now and stay true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), f"did not stay true: {describe() if callable(describe) else describe}"
        time.sleep(0.01)


def run(*command, check=True, text_input=None, timeout=60, env=None):
    """Runs a command and returns the CompletedProcess with text output; a failure shows the
    output.
    """
    done = subprocess.run(
        [str(c) for c in command],
        input=text_input,
        capture_output=True,
        text=True,
        timeout=timeout * SLOW,
        env=None if env is None else {**os.environ, **env},
    )
    if check and done.returncode:
        raise AssertionError(
            f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done


def die_with_parent():
    """For preexec_fn: children end with a test run that is killed."""
    LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def spawn(command, **options):
    process = subprocess.Popen([str(c) for c in command], preexec_fn=die_with_parent, **options)
    Cleanup.current().add(lambda: stop_process(process))
    return process


def state_of(pid):
    """The letter of the process's state, as in ps."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def stop_process(process, patience=5):
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(patience * SLOW)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


class Cleanup:
    """A stack of things to undo: one per test above one of the session; the innermost is
    current.
    """

    stack = []

    def __init__(self):
        self.actions = []
        self.pid = os.getpid()
        Cleanup.stack.append(self)

    @classmethod
    def current(cls):
        return cls.stack[-1] if cls.stack else cls()

    def add(self, action):
        self.actions.append(action)
        return action

    def close(self):
        if os.getpid() != self.pid:
            return
        errors = []
        while self.actions:
            try:
                self.actions.pop()()
            except Exception as error:  # the rest still has to be undone
                errors.append(error)
        if self in Cleanup.stack:
            Cleanup.stack.remove(self)
        if errors:
            raise errors[0]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def close_everything():
    while Cleanup.stack:
        if Cleanup.stack[-1].pid != os.getpid():
            return
        try:
            Cleanup.stack[-1].close()
        except Exception as error:
            print(f"clean-up: {error}", file=sys.stderr)


def install_traps():
    atexit.register(close_everything)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # KeyboardInterrupt ends pytest, which undoes the current test, then atexit
        signal.signal(number, signal.default_int_handler)


def temp_dir():
    path = Path(tempfile.mkdtemp(prefix=OWN_PREFIX))
    Cleanup.current().add(lambda: shutil.rmtree(path, ignore_errors=True))
    return path


def mount_bpffs(parent, name="bpf"):
    path = Path(parent) / name
    path.mkdir()
    run("mount", "-t", "bpf", "none", path)
    Cleanup.current().add(lambda: run("umount", "-l", path, check=False))
    return path


# ---- leftovers of this run or of dead runs ----
def mounts_of(prefix):
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        path = line.split()[1]
        if prefix in path and "/run/netns/" not in path:
            found.append(path)
    return found


def namespaces_of(prefix):
    folder = Path("/run/netns")
    return (
        sorted(p.name for p in folder.iterdir() if p.name.startswith(prefix))
        if folder.is_dir()
        else []
    )


def temp_dirs_of(prefix):
    return sorted(str(p) for p in Path(tempfile.gettempdir()).glob(prefix + "*"))


def processes_of(prefix):
    """Processes whose command line names an object of the tests, without this one and its
    ancestors.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if prefix in command and "pytest" not in command:
            found.append((int(entry.name), command))
    return found


def leftovers(prefix=OWN_PREFIX):
    return {
        "namespaces": namespaces_of(prefix),
        "mounts": mounts_of(prefix),
        "directories": temp_dirs_of(prefix),
        "processes": processes_of(prefix),
    }


def sweep_dead_runs():
    """Removes the leftovers of earlier runs that were killed."""
    names = namespaces_of("ul-") + [Path(p).name for p in temp_dirs_of("ul-")]
    pids = {int(m.group(1)) for m in map(ANY_PREFIX.match, names) if m}
    for pid in pids:
        if Path(f"/proc/{pid}").exists():
            continue
        prefix = f"ul-{pid}-"
        for process, _ in processes_of(prefix):
            os.kill(process, signal.SIGKILL)
        for name in namespaces_of(prefix):
            for process in run("ip", "netns", "pids", name, check=False).stdout.split():
                os.kill(int(process), signal.SIGKILL)
            run("ip", "netns", "del", name, check=False)
        for path in mounts_of(prefix):
            run("umount", "-l", path, check=False)
        for path in temp_dirs_of(prefix):
            shutil.rmtree(path, ignore_errors=True)
