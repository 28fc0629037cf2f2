# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""What must hold after a fault, per kind of fault and path."""
import errno
import os
import re

from harness import base
from harness.base import wait_until


def states_after(path, action):
    """The states that may hold, by what the action replied."""
    if action.succeeded:
        return [path.after]
    if action.succeeded is False:
        return [path.before]
    return [path.before, path.after]


def reached(rig, states, deadline=20):
    """Waits until the running switch is in one of these states; returns it."""
    last = []

    def one_of():
        last[:] = []
        for state in states:
            try:
                problems = rig.problems(state)
            except (AssertionError, OSError, KeyError) as error:
                problems = [str(error)]
            if not problems:
                return state
            last.append("; ".join(problems))

    return wait_until(one_of, deadline, lambda: " - or - ".join(last))


def sanitizer(rig):
    log = rig.daemon.log()
    return [m.group(0) for m in re.finditer(r".*(?:Sanitizer|runtime error).*", log)][:1]


def check_traffic(path, rig, state):
    if path.traffic:
        return rig.lost_traffic(path.before, state) + rig.flaps(path.before, state)
    rig.skip_traffic()
    return rig.lost_traffic(state, state)


def teardown_leaves_nothing(rig):
    done = rig.daemon.run_to_end("--teardown")
    bad = [] if done.returncode == 0 else [f"teardown: {done.returncode} {done.stderr.strip()}"]
    return bad + rig.left()


def end(path, rig):
    if not path.fresh and path.after:
        return sanitizer(rig)
    rig.daemon.stop()
    return teardown_leaves_nothing(rig) + sanitizer(rig)


# ---- kill ----
def after_kill(path, action, rig, recovery):
    """The killed daemon is followed by a normal start, or by a teardown."""
    if action.succeeded is not None and action.status is None:
        rig.daemon.kill()  # the fault came after the end of the path
    if hasattr(path, "judge"):
        return path.judge(action, rig, None) + sanitizer(rig)
    if recovery == "teardown":
        return teardown_leaves_nothing(rig)
    states = path.states_after_kill()
    rig.daemon.write(states[-1].config())
    rig.daemon.start()
    # The file decides what it contains; requests were applied or not.
    state = reached(rig, [s for s in states if s.config() == rig.daemon.config])
    bad = check_traffic(path, rig, state) + path.verify(rig, state)
    return bad + end(path, rig)


# ---- errno ----
# libbpf returns another errno when one of its probes fails, or when it cannot read the types of the
# kernel; its message is the reason then
NO_THREAD = f"cannot be started: {os.strerror(errno.EAGAIN)}"
BY_LIBBPF = re.compile(r"bpf (PROG_LOAD|BTF_LOAD|MAP_CREATE)|.*/btf/vmlinux")


def is_reported(rig, action, number, call):
    """The reason of the system, of libbpf, or of pthread_create(), which has EAGAIN for a stack
    without memory, stands in the reply or in the log.
    """
    text = action.text + rig.daemon.log()
    by_libbpf = BY_LIBBPF.match(call or "") and "(libbpf: " in text
    by_pthread = (call or "").startswith(("mmap", "mprotect")) and NO_THREAD in text
    return os.strerror(number) in text or bool(by_libbpf or by_pthread)


def heals(path, rig, action, number, call):
    """A daemon that continues is healthy, or reports the failure, shows it and heals it itself."""
    states, bad = states_after(path, action), []
    if path.before is None:
        states = [path.after]
    try:
        return reached(rig, states, path.settles / base.SLOW), bad
    except AssertionError as error:
        first = str(error)
    if not is_reported(rig, action, number, call):
        bad.append(f"degraded and the reason is not reported: {first}")
    if "finding " not in first:
        bad.append(f"degraded without a finding: {first}")
    return reached(rig, states, 40), bad


def after_error(path, action, rig, number, call):
    if hasattr(path, "judge"):
        reported = lambda: is_reported(rig, action, number, call)
        return path.judge(action, rig, reported) + sanitizer(rig)
    if path.after is None:
        return after_teardown_error(action, rig, number, call)
    bad = []
    if action.status is not None:
        if action.status != 2 or path.running:
            bad.append(f"uplinkd ended with exit status {action.status}")
        if not is_reported(rig, action, number, call):
            bad.append("the start failed without its reason")
        if path.before is None:
            return bad + rig.left()
        rig.daemon.start()
        state = reached(rig, [path.after])
    else:
        if action.succeeded is False and not is_reported(rig, action, number, call):
            bad.append(f"refused without the reason: {action.text}")
        state, more = heals(path, rig, action, number, call)
        bad += more
    bad += check_traffic(path, rig, state)
    if path.method and state != path.after:
        succeeded, answer = rig.daemon.call(path.method, **path.parameters)
        if not succeeded:
            bad.append(f"the second attempt fails as well: {answer}")
        else:
            state = reached(rig, [path.after])
    bad += path.verify(rig, state, number)
    return bad + end(path, rig)


def after_teardown_error(action, rig, number, call):
    bad = []
    if action.succeeded:
        return rig.left() + sanitizer(rig)
    if action.status != 2:
        bad.append(f"exit status {action.status}")
    if not is_reported(rig, action, number, call):
        bad.append(f"the teardown failed without its reason: {action.text.strip()}")
    return bad + teardown_leaves_nothing(rig)
