"""Shares of Revisions under each tag, from `spec.traffic` (serving §2.8, 4.7, 4.8). Faults: test_routes.py."""

from __future__ import annotations

from emulator.serving.rollouts import Pace, Shift
from emulator.serving.routetargets import Target, goals, parts, tags_of, traffic

LATEST = Target("r2", 90, configuration="hello")
TAGGED = Target("r2", 0, "latest", "hello")
OLD = Target("r1", 10, "old")


def test_entries_for_one_revision_add_up_under_the_main_name() -> None:
    targets = [Target("r1", 30), Target("r2", 40), Target("r1", 30, "old")]
    assert parts(targets, "", []) == [("r1", 60), ("r2", 40)]
    assert parts(targets, "old", []) == [("r1", 100)]


def test_who_has_nothing_is_only_under_its_tag() -> None:
    targets = [LATEST, OLD, Target("r3", 0, "next")]
    assert parts(targets, "", []) == [("r2", 90), ("r1", 10)]
    assert parts(targets, "next", []) == [("r3", 100)]
    assert tags_of(targets) == ["", "old", "next"]


def test_only_what_follows_a_configuration_is_rolled_out() -> None:
    assert goals([LATEST, OLD]) == [Shift("hello", "", 90, (("r2", 90),))]
    assert goals([Target("r2", 100, "latest", "hello")]) == [
        Shift("hello", "", 100, (("r2", 100),)),
        Shift("hello", "latest", 100, (("r2", 100),)),
    ]


def test_a_rollout_under_way_shares_a_target_among_its_revisions() -> None:
    under_way = Shift("hello", "", 90, (("r0", 60), ("r2", 30)), Pace(1, 2, 1, 30))
    assert parts([LATEST, OLD], "", [under_way]) == [("r0", 60), ("r2", 30), ("r1", 10)]
    assert traffic([LATEST, OLD], [under_way]) == [
        {"latestRevision": True, "percent": 60, "revisionName": "r0"},
        {"latestRevision": True, "percent": 30, "revisionName": "r2"},
        {"latestRevision": False, "percent": 10, "revisionName": "r1", "tag": "old"},
    ]


def test_under_a_tag_the_shares_shown_are_of_what_the_target_has() -> None:
    under_way = Shift("hello", "latest", 100, (("r1", 75), ("r2", 25)), Pace(1, 2, 1, 25))
    shown = traffic([Target("r2", 50, "latest", "hello")], [under_way])
    assert [(entry["revisionName"], entry["percent"]) for entry in shown] == [("r1", 37), ("r2", 13)]
    assert parts([TAGGED], "latest", [under_way]) == [("r1", 75), ("r2", 25)]
