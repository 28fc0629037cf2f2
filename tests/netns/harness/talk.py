# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Frames of several machines in the background, for what is judged by counters."""
import contextlib
import threading

from .base import Cleanup


class Talk:
    """Sends the frames that make(n) returns, [(nic, frame)], for n = 0, 1, ... until stop()."""

    def __init__(self, make, pause=0.01):
        self.make, self.pause, self.n, self.end = make, pause, 0, threading.Event()
        self.thread = threading.Thread(target=self._run)
        Cleanup.current().add(self.stop)
        self.thread.start()

    def _run(self):
        while not self.end.wait(self.pause):
            for nic, frame in self.make(self.n):
                with contextlib.suppress(OSError):  # the interface is down
                    nic.socket.send(frame)
            self.n += 1

    def stop(self):
        self.end.set()
        self.thread.join()
