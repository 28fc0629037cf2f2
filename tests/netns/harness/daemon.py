# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""One instance of uplinkd in a namespace, with its own run directory and bpffs, and its uplinkctl.
"""
import json
import os
import pwd
import signal
import socket
import subprocess

from . import base
from .base import BUILD, Cleanup, wait_until


# of the unit
CAPABILITIES = ("bpf", "perfmon", "net_admin", "net_raw")


class Uplinkd:
    """config: a dictionary, written as JSON, which is YAML. text: YAML, written unchanged."""

    alive = []  # for the report of a failing test

    def __init__(self, ns, config=None, text=None, log_level="debug"):
        self.ns, self.log_level = ns, log_level
        self.dir = base.temp_dir()
        self.run_dir = self.dir / "run"
        self.bpffs = base.mount_bpffs(self.dir)
        self.config_path = self.dir / "uplinkd.yaml"
        self.log_path = self.dir / "log"
        self.process = None
        self.notify = None
        self.privileges = []  # of the daemon; empty: root
        self.more = []  # options of every command
        self.sandbox = "kill"  # by a system call that the LACP thread must not make
        Cleanup.current().add(self._end)
        Uplinkd.alive.append(self)
        if config is not None or text is not None:
            self.write(config, text)

    def write(self, config=None, text=None):
        self.config = config
        self.config_path.write_text(text if text is not None else json.dumps(config, indent=1))

    def command(self, *options, wrap=()):
        """wrap: a command that runs uplinkd, such as a tracer."""
        return self.ns.command(
            *wrap,
            BUILD / "uplinkd",
            "-c",
            self.config_path,
            "--bpffs",
            self.bpffs,
            "--run-dir",
            self.run_dir,
            "--log-level",
            self.log_level,
            *self.more,
            *options,
        )

    def run_as(self, user, capabilities=CAPABILITIES, groups=()):
        """The daemon runs as this user, with these capabilities; --teardown and uplinkctl as root."""
        entry = pwd.getpwnam(user)
        names = ",".join(f"+{c}" for c in capabilities)
        only = f"-all,{names}" if names else "-all"
        # as pam and systemd do: ambient capabilities below, group list above
        self.privileges = [
            "setpriv",
            f"--reuid={entry.pw_uid}",
            f"--regid={entry.pw_gid}",
            f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups",
            f"--inh-caps={only}",
            f"--ambient-caps={only}",
            f"--bounding-set={only}",
            "--no-new-privs",
        ]
        # the harness makes them for root alone; a service has /etc, /run and /sys
        self.dir.chmod(0o711)
        return self

    # ---- life cycle ----
    def spawn(self, wrap=(), stderr=None):
        """stderr: a descriptor in place of the log file."""
        assert self.process is None
        path = str(self.dir / "notify")
        if os.path.exists(path):
            os.unlink(path)
        self.notify = socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        )
        self.notify.bind(path)
        os.chmod(path, 0o666)  # a daemon of another user writes to it
        self.messages = []
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(c) for c in self.command(wrap=[*wrap, *self.privileges])],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log if stderr is None else stderr,
                preexec_fn=base.die_with_parent,
                # a call that waits in the timely thread is fatal
                env={**os.environ, "NOTIFY_SOCKET": path, "UPLINKD_SANDBOX": self.sandbox},
            )
        return self

    def read_notify(self):
        while True:
            try:
                self.messages += self.notify.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.messages

    def start(self, deadline=30, **options):
        self.spawn(**options)

        def ready():
            assert (
                self.process.poll() is None
            ), f"uplinkd ended with exit status {self.process.returncode}\n{self.log()}"
            return "READY=1" in self.read_notify()

        wait_until(ready, deadline, lambda: f"READY=1 from uplinkd\n{self.log()}")
        return self

    def run_to_end(self, *options, timeout=60, wrap=()):
        """For --check, --teardown and files that must be refused; returns the CompletedProcess."""
        return base.run(*self.command(*options, wrap=wrap), check=False, timeout=timeout)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, deadline=30):
        wait_until(
            lambda: self.process.poll() is not None,
            deadline,
            lambda: f"uplinkd to end\n{self.log()}",
        )
        status, self.process = self.process.returncode, None
        self.notify.close()
        return status

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def freeze(self):
        self.signal(signal.SIGSTOP)
        stat = f"/proc/{self.process.pid}/stat"
        wait_until(
            lambda: open(stat).read().rsplit(")", 1)[1].split()[0] == "T",
            30,
            "uplinkd to be stopped",
        )

    def thaw(self):
        self.signal(signal.SIGCONT)

    def restart(self):
        status = self.stop()
        assert status == 0, f"uplinkd ended with exit status {status}\n{self.log()}"
        return self.start()

    def teardown(self):
        """Stops the daemon and removes the data plane."""
        if self.process:
            self.stop()
        done = self.run_to_end("--teardown")
        assert done.returncode == 0, f"--teardown: {done.returncode} {done.stderr}\n{self.log()}"

    def _end(self):
        Uplinkd.alive.remove(self)
        if self.process:
            try:
                self.thaw()
                self.stop()
            except (AssertionError, ProcessLookupError):
                if self.process:
                    self.process.kill()
                    self.process.wait()
                    self.notify.close()
        if (self.bpffs / "uplinkd").is_dir() and os.listdir(self.bpffs / "uplinkd"):
            self.run_to_end("--teardown")

    def log(self):
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return f"--- log of uplinkd in {self.ns.name}, last lines ---\n" + "\n".join(
            text.splitlines()[-80:]
        )

    # ---- control socket ----
    def call(self, method, timeout=30, **parameters):
        """One request without a process of uplinkctl; returns (succeeded, parameters of the reply).

        Raises OSError if the connection ends without a reply.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as control:
            # first, because it fails with a timeout and a full backlog
            control.connect(str(self.run_dir / "uplinkd.sock"))
            control.settimeout(timeout * base.SLOW)
            request = {"method": f"io.uplinkd.{method}", "parameters": parameters}
            control.sendall(json.dumps(request).encode() + b"\0")
            reply = b""
            while not reply.endswith(b"\0"):
                part = control.recv(65536)
                if not part:
                    raise ConnectionResetError(f"{method}: no reply")
                reply += part
        answer = json.loads(reply[:-1])
        return "error" not in answer, answer.get("parameters") or {}

    # ---- uplinkctl ----
    def ctl(self, *arguments, check=True, timeout=120, wrap=()):
        done = self.ns.run(
            *wrap,
            BUILD / "uplinkctl",
            "--run-dir",
            self.run_dir,
            "--bpffs",
            self.bpffs,
            *arguments,
            check=False,
            timeout=timeout,
        )
        assert (
            not check or done.returncode == 0
        ), f"uplinkctl {arguments}: {done.returncode}\n{done.stdout}{done.stderr}\n{self.log()}"
        return done

    def ctl_as(self, user, group, *arguments, check=True):
        """As a user without privileges, who cannot read the pins; group: the only one of the user."""
        self.dir.chmod(0o711)
        self.bpffs.chmod(0o700)
        wrap = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        return self.ctl(*arguments, check=check, wrap=[*wrap, "--no-new-privs"])

    def json(self, *arguments):
        return json.loads(self.ctl("--json", *arguments).stdout)

    def uplink(self, name):
        return next(u for u in self.json("show", "uplinks") if u["name"] == name)

    def counter(self, name, reason, switch=None):
        """Packets counted at an uplink or port for a reason."""
        return sum(
            c["packets"]
            for c in self.json("show", "counters")
            if c["name"] == name and c["reason"] == reason and switch in (None, c["switch"])
        )

    def counters_text(self):
        done = self.ctl("show", "counters", check=False)
        return done.stdout + done.stderr

    def wait_uplinks(self, usable, deadline=30):
        """Waits until exactly these uplinks (of all switches) are usable."""

        def state():
            return {u["name"] for u in self.json("show", "uplinks") if u["usable"]} == set(usable)

        wait_until(
            state,
            deadline,
            lambda: f"usable uplinks {sorted(usable)}: {self.json('show', 'uplinks')}\n{self.log()}",
        )

    def log_has(self, text, deadline=30):
        wait_until(
            lambda: text in self.log_path.read_text(errors="replace"),
            deadline,
            lambda: f"{text!r} in the log\n{self.log()}",
        )
