"""The kubeconfig in the data directory."""

from __future__ import annotations

from pathlib import Path

import yaml

from emulator.lib.kubeconfig import Server, last_server, path_of, write

URL = "http://127.0.0.1:4242/abcdefghijklmnop"


def test_it_leads_one_user_to_one_cluster_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    write(tmp_path, URL)
    found = yaml.safe_load(path_of(tmp_path).read_text())
    assert found["clusters"] == [{"name": "kemu", "cluster": {"server": URL}}]
    assert found["contexts"][0]["context"] == {"cluster": "kemu", "user": "kemu", "namespace": "default"}
    assert found["current-context"] == "kemu"
    assert path_of(tmp_path).stat().st_mode & 0o777 == 0o600


def test_the_next_run_reads_where_the_last_one_was(tmp_path: Path) -> None:
    assert last_server(tmp_path) is None
    write(tmp_path, URL)
    assert last_server(tmp_path) == Server(4242, "abcdefghijklmnop")


def test_a_file_that_is_no_longer_kemus_own_says_nothing(tmp_path: Path) -> None:
    path_of(tmp_path).write_text("server: https://elsewhere:6443\n")
    assert last_server(tmp_path) is None
