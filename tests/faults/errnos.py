# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Errors that each system call may return on a loaded or failing machine, although the request is
right. Errors that mean "absent" or "not supported" are facts and not faults, so they are missing.
"""
import errno

MEMORY, FILES, BUFFERS = errno.ENOMEM, errno.EMFILE, errno.ENOBUFS
DISK, SPACE, BUSY = errno.EIO, errno.ENOSPC, errno.EBUSY

BY_CALL = {
    "sendto": [BUFFERS, MEMORY],
    "sendmsg": [BUFFERS],
    "recvmsg": [BUFFERS, MEMORY],
    "recvfrom": [MEMORY],
    "ioctl": [MEMORY, BUSY],
    "openat": [FILES, MEMORY],
    "open": [FILES, MEMORY],
    "newfstatat": [MEMORY],
    "stat": [MEMORY],
    "lstat": [MEMORY],
    "statfs": [DISK],
    "fstatfs": [DISK],
    "mkdir": [SPACE, MEMORY],
    "mkdirat": [SPACE, MEMORY],
    "rmdir": [DISK],
    "unlink": [DISK],
    "unlinkat": [DISK],
    "rename": [SPACE, MEMORY],
    "renameat": [SPACE, MEMORY],
    "renameat2": [SPACE, MEMORY],
    "access": [MEMORY],
    "faccessat": [MEMORY],
    "faccessat2": [MEMORY],
    "write": [SPACE],
    "writev": [SPACE],
    "pwrite64": [DISK, SPACE],
    "linkat": [SPACE, MEMORY],
    "read": [DISK],
    "pread64": [DISK],
    "getdents64": [DISK],
    "flock": [errno.ENOLCK],
    "fsync": [DISK],
    "fdatasync": [DISK],
    "ftruncate": [SPACE],
    "chmod": [DISK],
    "fchmod": [DISK],
    "fchmodat": [DISK],
    "chown": [DISK],
    "fchown": [DISK],
    "fchownat": [DISK],
    "socket": [FILES, BUFFERS],
    "bind": [MEMORY],
    "listen": [BUFFERS],
    "connect": [errno.EAGAIN],
    "accept4": [FILES, errno.ECONNABORTED],
    "setsockopt": [BUFFERS],
    "getsockopt": [BUFFERS],
    "getsockname": [BUFFERS],
    "socketpair": [FILES],
    "mmap": [MEMORY],
    "mprotect": [MEMORY],
    "membarrier": [MEMORY],
    "epoll_create1": [FILES],
    "epoll_ctl": [MEMORY],
    "eventfd2": [FILES],
    "pipe2": [FILES],
    "timerfd_create": [FILES],
    "signalfd4": [FILES],
    "dup": [FILES],
    "dup2": [FILES],
    "dup3": [FILES],
    "clone": [errno.EAGAIN],
    "clone3": [errno.EAGAIN],
    "fcntl": [MEMORY],
    "seccomp": [MEMORY],
    "setpriority": [errno.EACCES],
    "sched_setscheduler": [errno.EPERM],
    "setns": [MEMORY],
    "mount": [MEMORY],
    # these do not fail when the request is right
    "prlimit64": [],
    "getrandom": [],
    "timerfd_settime": [],
    "wait4": [],
}

# commands of bpf(); see enum bpf_cmd
BPF = {
    0x0: ("MAP_CREATE", [MEMORY]),
    0x1: ("MAP_LOOKUP_ELEM", [MEMORY]),
    0x2: ("MAP_UPDATE_ELEM", [MEMORY]),
    0x3: ("MAP_DELETE_ELEM", [MEMORY]),
    0x4: ("MAP_GET_NEXT_KEY", [MEMORY]),
    0x5: ("PROG_LOAD", [MEMORY, errno.EPERM]),
    0x6: ("OBJ_PIN", [MEMORY, SPACE]),
    0x7: ("OBJ_GET", [MEMORY, FILES]),
    0x8: ("PROG_ATTACH", [MEMORY]),
    0x9: ("PROG_DETACH", [MEMORY]),
    0xA: ("PROG_TEST_RUN", [MEMORY]),
    0xF: ("OBJ_GET_INFO_BY_FD", [MEMORY]),
    0x10: ("PROG_QUERY", [MEMORY]),
    0x12: ("BTF_LOAD", [MEMORY]),
    0x16: ("MAP_FREEZE", [MEMORY]),
    0x1A: ("MAP_UPDATE_BATCH", [MEMORY]),
    0x1C: ("LINK_CREATE", [MEMORY, BUSY]),
    0x1D: ("LINK_UPDATE", [MEMORY, BUSY]),
    0x22: ("LINK_DETACH", [MEMORY]),
    0x23: ("PROG_BIND_MAP", [MEMORY]),
}

# Calls that change nothing outside the process. Of several in succession, which read one answer or
# one file, the first stands for all.
READS = {"read", "pread64", "getdents64", "recvfrom", "recvmsg"}


# calls whose first number says what they do
COMMANDS = ("bpf", "ioctl")


def describe(call):
    if call["name"] == "bpf" and is_known(call):
        return f"bpf {BPF[int(call['argument'], 16)][0]}"
    return f"{call['name']} {call['argument']}"


def is_known(call):
    """Whether the tables have the call, so that it is known how it may fail."""
    if call["name"] == "bpf":
        return int(call["argument"], 16) in BPF
    return call["name"] in BY_CALL


def errnos_of(call):
    if call["name"] in ("read", "write") and "anon_inode" in call["argument"]:
        return []  # of a timer or signal, which cannot fail
    if call["name"] == "bpf":
        return BPF[int(call["argument"], 16)][1]
    return BY_CALL[call["name"]]


def points(calls):
    """The calls of a trace where faults are injected."""
    chosen, before = [], None
    for call in calls:
        key = (call["thread"], call["name"], call["argument"])
        if call["name"] not in READS or key != before:
            chosen.append(call)
        before = key
    return chosen
