"""The hosts file that all containers share."""

from __future__ import annotations

from pathlib import Path

from emulator.runtime.names import HostsFile

HEAD = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"]


def lines(file: HostsFile) -> list[str]:
    return file.path.read_text().splitlines()[1:]


def test_all_names_lead_to_the_gateway(tmp_path: Path) -> None:
    file = HostsFile(tmp_path / "hosts")
    file.write("172.18.0.1", ["a.default", "b.default"])
    assert lines(file) == [*HEAD, "172.18.0.1\ta.default b.default"]
    assert dict(file.fixed()) == {"a.default": "172.18.0.1", "b.default": "172.18.0.1"}


def test_lines_stay_short_enough_for_musl(tmp_path: Path) -> None:
    file = HostsFile(tmp_path / "hosts")
    file.write("172.18.0.1", [f"name-{n}" for n in range(20)])
    assert [len(line.split()) - 1 for line in lines(file)[2:]] == [8, 8, 4]


def test_it_is_rewritten_in_place_and_no_longer_than_needed(tmp_path: Path) -> None:
    file = HostsFile(tmp_path / "hosts")
    file.write("172.18.0.1", [f"name-{n}" for n in range(20)])
    before = file.path.stat().st_ino
    file.write("172.18.0.1", ["a"])
    assert file.path.stat().st_ino == before
    assert lines(file) == [*HEAD, "172.18.0.1\ta"]


def test_every_user_may_read_it(tmp_path: Path) -> None:
    file = HostsFile(tmp_path / "hosts")
    file.write("172.18.0.1", [])
    assert file.path.stat().st_mode & 0o777 == 0o644


def test_without_a_gateway_the_engine_is_asked_for_it(tmp_path: Path) -> None:
    file = HostsFile(tmp_path / "hosts")
    file.write("", ["a"])
    assert lines(file) == HEAD
    assert dict(file.fixed()) == {"a": "host-gateway"}
