# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The host's side of cable cuts: passes requests of the guest to the QEMU monitor.

The guest writes lines 'NUMBER set_link NIC on|off' to a virtio-serial port. The reply follows after
QEMU has executed the command: 'NUMBER ok' or 'NUMBER error TEXT'.
"""

import json
import os
import re
import socket
import threading
import time

from cables import CONTROL_PORT, qemu_options

REQUEST = re.compile(r"(\d+) set_link (nic\d+|far\d+) (on|off)$")


class Controller:
    """Serves one virtual machine from a thread; `directory` holds two sockets, so its path must be
    short.
    """

    def __init__(self, directory):
        self.monitor_path = os.path.join(directory, "qmp")
        self.control_path = os.path.join(directory, "control")
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def qemu_options(self):
        return qemu_options() + [
            "-qmp",
            f"unix:{self.monitor_path},server=on,wait=off",
            "-chardev",
            f"socket,id=carrier,path={self.control_path},server=on,wait=off",
            "-device",
            "virtio-serial-pci,id=carrier-bus",
            "-device",
            f"virtserialport,bus=carrier-bus.0,chardev=carrier,name={CONTROL_PORT}",
        ]

    def start(self):
        self.thread.start()

    def stop(self):
        """Ends the machine too, if it still runs."""
        self.stopped.set()
        self.thread.join()

    def _connect(self, path):
        while not self.stopped.is_set():
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(path)
                connection.settimeout(0.5)
                return connection
            except OSError:  # QEMU has not created it yet
                connection.close()
                time.sleep(0.1)
        return None

    def _lines(self, connection, pending):
        """One line at a time; ends with the machine or with stop()."""
        while not self.stopped.is_set():
            line, newline, rest = bytes(pending).partition(b"\n")
            if newline:
                pending[:] = rest
                yield line.decode(errors="replace").strip()
                continue
            try:
                data = connection.recv(4096)
            except socket.timeout:
                continue
            except OSError:
                return
            if not data:
                return
            pending += data

    def _serve(self):
        monitor = self._connect(self.monitor_path)
        control = self._connect(self.control_path)
        if monitor and control:
            answers = self._lines(monitor, bytearray())
            next(answers, None)  # the greeting
            self._execute(monitor, answers, "qmp_capabilities")
            for line in self._lines(control, bytearray()):
                reply = self._handle_request(monitor, answers, line)
                try:
                    control.sendall(reply.encode() + b"\n")
                except OSError:
                    break
            self._execute(monitor, answers, "quit")
        for connection in (monitor, control):
            if connection:
                connection.close()

    def _handle_request(self, monitor, answers, line):
        request = REQUEST.match(line)
        if not request:
            return f"{line.split(' ')[0]} error not a request: {line}"
        number, nic, state = request.groups()
        error = self._execute(monitor, answers, "set_link", name=nic, up=state == "on")
        return f"{number} error {error}" if error else f"{number} ok"

    @staticmethod
    def _execute(monitor, answers, command, **arguments):
        """Runs a monitor command; returns the error text, or None."""
        try:
            monitor.sendall(
                json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
            )
        except OSError as error:
            return str(error)
        for answer in answers:
            answer = json.loads(answer)
            if "return" in answer:
                return None
            if "error" in answer:
                return answer["error"]["desc"]
        return "the monitor closed"
