# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""uplinkctl on a terminal of tmux."""
import os

from .base import BUILD, Cleanup, run, wait_until


class Terminal:
    def __init__(self, daemon, *words, columns=80, rows=24):
        self.tmux = ["tmux", "-L", f"ul-{os.getpid()}-{id(self)}", "-f", "/dev/null"]
        command = [BUILD / "uplinkctl", "--run-dir", daemon.run_dir]
        command += ["--bpffs", daemon.bpffs, *words]
        size = ["-x", columns, "-y", rows]
        text = " ".join(map(str, daemon.ns.command(*command)))
        self.run("new-session", "-d", *size, f"LC_ALL=C.UTF-8 {text}; echo ended $?; cat")
        Cleanup.current().add(lambda: self.run("kill-server", check=False))

    def run(self, *arguments, **options):
        return run(*self.tmux, *arguments, **options)

    def screen(self):
        return self.run("capture-pane", "-p").stdout

    def keys(self, *names):
        self.run("send-keys", *names)

    def shows(self, *texts, absent=()):
        wait_until(
            lambda: all(t in self.screen() for t in texts)
            and not any(t in self.screen() for t in absent),
            90,
            self.screen,
        )
