"""From files to the Store."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from emulator.lib.clock import SystemClock
from emulator.manifests.diagnostics import ManifestFaults
from emulator.manifests.loader import Loader
from emulator.objects.kind import Registry
from emulator.objects.resource import Resource
from emulator.serving.kinds import CONFIGURATION, REVISION, ROUTE, SERVICE, ServiceSpec
from emulator.store.ledger import Ledger
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.namespaces import NAMESPACE
from emulator.workloads.operators import KNATIVE_SERVING, config_maps

SERVICE_YAML = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: {name}
spec:
  template:
    spec:
      containers:
        - image: an/image
          env: [{{name: A, value: "{value}"}}]
"""


class Files:
    """A folder of manifests and the Store that they are loaded into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kinds = (SERVICE, CONFIGURATION, REVISION, ROUTE, CONFIG_MAP, NAMESPACE, KNATIVE_SERVING)
        self.store = Store(Registry(kinds), SystemClock(), CONFIG_MAP)
        self.ledger = Ledger()
        self.start()

    def start(self) -> None:
        """The loader of another run over what this one leaves."""
        self.loader = Loader(self.store, [self.folder], {"KnativeServing": config_maps}, self.ledger)

    def service(self, name: str) -> Resource[ServiceSpec]:
        return self.store.get(SERVICE, name, "default")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def load(self) -> str:
        return str(self.loader.apply(self.loader.check(self.loader.read())))

    def faults(self) -> list[str]:
        with pytest.raises(ManifestFaults) as caught:
            self.load()
        return [str(d).removeprefix(f"{self.folder}/") for d in caught.value.diagnostics]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_folders_are_read_recursively_and_hidden_ones_are_not(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=1))
    files.write("deep/er/b.yml", SERVICE_YAML.format(name="b", value=1))
    files.write(".git/c.yaml", SERVICE_YAML.format(name="c", value=1))
    files.write("notes.txt", "not a manifest")
    assert files.load() == "Service a, Service b created"


def test_what_the_first_load_finds_sleeps_and_an_edit_wakes_it(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=1))
    files.load()
    assert files.store.get(SERVICE, "a", "default").annotations["kemu.dev/start"] == "asleep"
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=2))
    files.write("b.yaml", SERVICE_YAML.format(name="b", value=2))
    assert files.load() == "Service b created; Service a configured"
    for name in "ab":
        assert "kemu.dev/start" not in files.store.get(SERVICE, name, "default").annotations


def test_a_load_that_changes_nothing_writes_nothing(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=1))
    files.load()
    version = files.store.version
    assert files.load() == "nothing changed"
    assert files.store.version == version


def test_what_left_the_files_goes(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=1))
    files.load()
    (files.folder / "a.yaml").unlink()
    assert files.load() == "Service a removed"
    assert files.store.find(SERVICE, "a", "default") is None


def test_a_load_with_faults_changes_nothing_and_tells_all(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=1))
    files.write("b.yaml", SERVICE_YAML.format(name="b", value=1).replace("image", "imagee"))
    files.write("c.yaml", "apiVersion: v2\nkind: ConfigMap\n")
    assert files.faults() == [
        'b.yaml:9:11 spec.template.spec.containers[0].imagee: unknown field; did you mean "image"?',
        'c.yaml:1:1 apiVersion: no kind "ConfigMap" in "v2"; did you mean "v1"?',
    ]
    assert files.store.list(SERVICE) == []


def test_the_same_object_twice_is_told_with_both_places(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=1))
    files.write("b.yaml", SERVICE_YAML.format(name="a", value=2))
    (fault,) = files.faults()
    assert fault.startswith("b.yaml:4:3 metadata.name: Service default/a is there twice, first at ")
    assert fault.endswith("a.yaml:4; rename or remove one")


def test_two_files_that_say_the_same_are_no_fault(files: Files) -> None:
    for name in ("a.yaml", "b.yaml"):
        files.write(name, SERVICE_YAML.format(name="a", value=1))
    assert files.load() == "Service a created"


def test_an_object_with_the_beginning_of_a_name_is_the_same_at_each_load(files: Files) -> None:
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}, "data": {"x": "1"}}
    files.write("a.yaml", json.dumps(made))
    assert files.load().startswith("ConfigMap a-")
    assert files.load() == "nothing changed"
    assert len(files.store.list(CONFIG_MAP)) == 1


def test_several_documents_about_an_object_in_one_file_are_applied_in_order(files: Files) -> None:
    steps: list[int] = []
    files.loader.settle = lambda: steps.append(files.store.get(SERVICE, "a", "default").generation)
    files.write("a.yaml", "---\n".join(SERVICE_YAML.format(name="a", value=value) for value in (1, 2, 3)))
    assert files.load() == "Service a created"
    assert steps == [1, 2]
    found = files.store.get(SERVICE, "a", "default")
    assert found.generation == 3
    assert found.annotations["kemu.dev/start"] == "asleep"
    assert files.load() == "nothing changed"


def test_a_later_document_is_judged_by_the_earlier_one(files: Files) -> None:
    named = SERVICE_YAML.replace("    spec:", "    metadata: {{name: a-one}}\n    spec:")
    files.write("a.yaml", "---\n".join(named.format(name="a", value=value) for value in (1, 2)))
    assert len(files.faults()) == 1


def test_the_rules_of_a_config_map_in_the_same_load_count(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=1) + "      timeoutSeconds: 900\n")
    assert files.faults() == ["a.yaml:11:7 spec.template.spec.timeoutSeconds: expected 0 <= 900 <= 600"]
    operator = (
        "apiVersion: operator.knative.dev/v1beta1\nkind: KnativeServing\n"
        "metadata: {name: knative-serving, namespace: knative-serving}\n"
        'spec: {config: {defaults: {max-revision-timeout-seconds: "900"}}}\n'
    )
    files.write("z.yaml", operator)
    assert files.load() == "KnativeServing knative-serving, Service a created"


def test_a_namespace_that_is_only_named_comes_to_be(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=1).replace("  name: a", "  name: a\n  namespace: mine"))
    files.load()
    assert files.store.get(NAMESPACE, "mine").name == "mine"


def test_what_others_wrote_stays_when_the_file_changes(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=1))
    files.load()
    key = files.store.get(SERVICE, "a", "default").key
    files.store.patch_metadata(key, labels={"theirs": "1"})
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=2))
    files.load()
    assert files.store.get(SERVICE, "a", "default").labels == {"theirs": "1"}


def test_what_stdin_said_stays_when_files_are_read_again(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(SERVICE_YAML.format(name="typed", value=1)))
    files.loader = Loader(files.store, [Path("-"), files.folder], {})
    files.write("a.yaml", SERVICE_YAML.format(name="a", value=1))
    assert files.load() == "Service typed, Service a created"
    files.write("b.yaml", SERVICE_YAML.format(name="b", value=1))
    assert files.load() == "Service b created"


# -- from run to run


def edit(files: Files, name: str, value: str) -> None:
    template = {"spec": {"containers": [{"image": "an/image", "env": [{"name": "A", "value": value}]}]}}
    files.store.update({**files.service(name).obj, "spec": {"template": template}}, "somebody")


def value_of(files: Files, name: str) -> str | None:
    return files.service(name).spec.template.spec.containers[0].env[0].value


def test_an_edit_is_kept_from_run_to_run_until_its_document_changes(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value="1"))
    files.load()
    edit(files, "a", "2")
    files.start()
    assert files.load() == "nothing changed"
    assert value_of(files, "a") == "2"
    files.write("a.yaml", SERVICE_YAML.format(name="a", value="3"))
    files.start()
    assert files.load() == "Service a configured"
    assert value_of(files, "a") == "3"


def test_what_left_the_files_since_the_last_run_goes(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value="1"))
    files.write("b.yaml", SERVICE_YAML.format(name="b", value="1"))
    files.load()
    files.store.create({**files.service("a").obj, "metadata": {"name": "by-api"}})
    (files.folder / "a.yaml").unlink()
    files.start()
    assert files.load() == "Service a removed"
    assert [service.name for service in files.store.list(SERVICE)] == ["b", "by-api"]


def test_what_was_deleted_comes_back_with_the_next_run_but_not_with_a_reload(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value="1"))
    files.load()
    files.store.delete(SERVICE, "a", "default")
    assert files.load() == "nothing changed"
    files.start()
    assert files.load() == "Service a created"


def test_a_document_that_moves_to_another_file_is_no_news_but_the_file_is(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value="1"))
    files.load()
    (files.folder / "a.yaml").rename(files.folder / "b.yaml")
    assert files.load() == "nothing changed"
    stated = files.ledger.of(files.service("a").key)
    assert stated is not None
    assert stated.file == str(files.folder / "b.yaml")


def test_a_template_that_another_changes_is_rolled_out_though_its_service_was_asleep(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value="1"))
    files.load()
    assert "kemu.dev/start" in files.service("a").annotations
    files.store.update(
        {**files.service("a").obj, "metadata": {**files.service("a").metadata, "labels": {"x": "y"}}}, "u"
    )
    assert "kemu.dev/start" in files.service("a").annotations
    edit(files, "a", "2")
    assert "kemu.dev/start" not in files.service("a").annotations


def test_what_changed_in_the_files_before_the_start_is_asleep_too(files: Files) -> None:
    files.write("a.yaml", SERVICE_YAML.format(name="a", value="1"))
    files.load()
    files.write("a.yaml", SERVICE_YAML.format(name="a", value="2"))
    files.start()
    files.load()
    assert files.service("a").annotations["kemu.dev/start"] == "asleep"


def test_files_that_are_no_manifests_are_skipped_with_one_note(files: Files) -> None:
    files.write("hello.yaml", SERVICE_YAML.format(name="hello", value="a"))
    files.write("package.json", '{"name": "web"}')
    files.write("values.yaml", "replicas: 1\n")
    applied = files.loader.apply(files.loader.check(files.loader.read()))
    (note,) = applied.notes
    assert note.replace(f"{files.folder}/", "") == (
        "skipped 2 files without apiVersion and kind: package.json, values.yaml"
    )
    assert files.loader.apply(files.loader.check(files.loader.read())).notes == []
    files.write("values.yaml", "kind: Service\n")
    assert files.faults() == ["values.yaml:1:1 apiVersion: missing; every object says its apiVersion and kind"]
