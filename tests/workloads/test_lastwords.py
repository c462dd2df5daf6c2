"""The message of a container's end, from its file or its output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.objects.podspec import Container
from emulator.runtime.base import Mount
from emulator.workloads import lastwords


def container(**fields: Any) -> Container:
    return Container.model_validate({"name": "c", "image": "i", "terminationMessagePath": "/dev/end", **fields})


def test_each_start_has_an_empty_file_that_every_user_may_write(tmp_path: Path) -> None:
    (mount,) = lastwords.mount_of(container(), tmp_path)
    assert (mount.kind, mount.target) == ("bind", "/dev/end")
    for _ in range(2):
        lastwords.make(container(), tmp_path)
        file = Path(mount.source)
        assert (file.read_text(), file.stat().st_mode & 0o777) == ("", 0o666)
        file.write_bytes(b"the disk is full \xff" + b"." * 5000)
        said = lastwords.read(container(), tmp_path)
        assert said.startswith("the disk is full \ufffd...")
        assert len(said) == 4096


def test_a_message_that_nobody_wrote_is_empty(tmp_path: Path) -> None:
    assert lastwords.read(container(), tmp_path) == ""


def test_a_path_that_is_a_volumes_is_left_to_it(tmp_path: Path) -> None:
    mounted = container(volumeMounts=[{"name": "v", "mountPath": "/dev/end"}])
    no_mounts: tuple[Mount, ...] = ()
    assert lastwords.mount_of(mounted, tmp_path) == no_mounts


@pytest.mark.parametrize(
    ("policy", "written", "code", "message"),
    [
        ("File", "written", 1, "written"),
        ("File", "", 1, ""),
        ("FallbackToLogsOnError", "written", 1, "written"),
        ("FallbackToLogsOnError", "", 1, "output"),
        ("FallbackToLogsOnError", "", 0, ""),
    ],
)
def test_output_stands_for_the_file_where_the_policy_says_so(
    policy: str, written: str, code: int, message: str
) -> None:
    assert lastwords.message(container(terminationMessagePolicy=policy), written, code, "output") == message


def test_of_long_output_the_end_is_kept() -> None:
    last = container(terminationMessagePolicy="FallbackToLogsOnError")
    assert lastwords.message(last, "", 1, "x" * 3000 + "end") == "x" * 2045 + "end"
