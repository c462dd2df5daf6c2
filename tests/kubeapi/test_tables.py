"""Tables, from the kinds' columns."""

from __future__ import annotations

from datetime import timedelta

from emulator.kubeapi.tables import rows, table
from emulator.workloads.pods import POD
from tests.workloads.pods import pod


def test_a_table_has_a_row_of_cells_for_each_object_and_its_metadata() -> None:
    made = pod()
    found = table(POD, rows([made], made.created + timedelta(seconds=312)), "9")
    names = [(c["name"], c["type"], c["priority"]) for c in found["columnDefinitions"]]
    assert names[:2] == [("Name", "string", 0), ("Ready", "string", 0)]
    assert ("IP", "string", 1) in names
    assert ("Age", "string", 0) in names
    (row,) = found["rows"]
    assert row["cells"][:4] == ["p", "0/1", "Pending", "0"]
    assert row["cells"][4] == "5m12s"
    assert row["object"]["metadata"]["uid"] == made.uid
    assert found["metadata"] == {"resourceVersion": "9"}


def test_an_empty_table_still_has_its_columns() -> None:
    found = table(POD, [], "1")
    assert found["rows"] == []
    assert found["columnDefinitions"][0]["format"] == "name"
