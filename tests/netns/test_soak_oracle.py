# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The comparison of `make soak` finds each kind of wrong delivery. No daemon runs: the far ends have
received what the model says, but for one frame.
"""
import collections
import random
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "soak"))

import intent
import oracle

WRONG_VLAN = 150


class FakeWorld:
    """Frames are sent to nowhere; p4 is served by tap0, p5 by tap1."""

    def __init__(self):
        self.seen = collections.defaultdict(collections.Counter)
        self.moved_at, self.intent, self.daemon = -1000, intent.Intent(), self

    def send(self, observer, frame):
        pass

    def json(self, *arguments):
        return [{"name": "p4", "uplink": "tap0"}, {"name": "p5", "uplink": "tap1"}]


def delivered():
    """A check whose frames all arrived; (frames, mark of one that goes to an uplink, its copy)."""
    check = oracle.Check(FakeWorld(), random.Random(1))
    check.send_all()
    for mark, (_, required, _) in check.frames.expected.items():
        for alternatives in required:
            check.world.seen[mark][min(alternatives)] += 1
    mark, copy = next(
        (mark, copy)
        for mark, copies in check.world.seen.items()
        for copy in copies
        if copy[0] == "sw0"
    )
    return check.frames, mark, copy


def test_a_right_delivery_has_no_problem():
    frames, _, _ = delivered()
    assert frames.expected and frames.drops
    assert frames.problems() == [] and frames.stray() == []


def lose(seen, mark, copy):
    seen[mark].clear()


def double(seen, mark, copy):
    seen[mark][copy] += 1


def misdeliver(seen, mark, copy):
    seen[mark]["m7", copy[1]] += 1


def change_vlan(seen, mark, copy):
    observer, frame = copy
    seen[mark].clear()
    seen[mark][observer, frame[:14] + WRONG_VLAN.to_bytes(2, "big") + frame[16:]] += 1


@pytest.mark.parametrize(
    "mistake,text",
    [
        (lose, "did not arrive at sw0"),
        (double, "1 x at sw0"),
        (misdeliver, "1 x at m7"),
        (change_vlan, f"[C{WRONG_VLAN}p0]"),
    ],
)
def test_a_wrong_delivery_is_found(mistake, text):
    frames, mark, copy = delivered()
    mistake(frames.world.seen, mark, copy)
    problems = frames.problems()
    assert any(text in problem for problem in problems), problems


def test_a_frame_of_an_earlier_round_is_found():
    frames, _, copy = delivered()
    frames.world.seen[b"late"][copy] += 1
    assert frames.stray() == [b"late"]
