"""What can go wrong between kemu and whatever runs its containers.

    RuntimeFault
    ├── EngineUnavailable      nobody answers at the endpoint, or it refuses us
    │   └── EngineLost         it did answer, and then the line was cut
    ├── ImageMissing           the image is neither here nor to be had
    │   └── ImageForbidden     it is not here, and is not to be pulled
    ├── ContainerFailed        the engine could not create or start the container
    ├── ContainerGone          no container of that id (any more)
    └── NameTaken              another container has the name

Each carries its facts as attributes and a text with what happened, where, and how to mend it. The Pod reconciler turns
them into conditions; the command line shows them as they are.
"""

from __future__ import annotations


class RuntimeFault(Exception):
    """The root; never raised itself."""


class EngineUnavailable(RuntimeFault):
    """`endpoint` does not answer or refuses; `why` in a few words, `fix` as something to do."""

    verb = "does not answer"

    def __init__(self, endpoint: str, why: str, fix: str) -> None:
        super().__init__(f"container engine at {endpoint} {self.verb}: {why}; {fix}")
        self.endpoint = endpoint
        self.why = why
        self.fix = fix


class EngineLost(EngineUnavailable):
    """A call or stream was under way when the engine went away. Call `Runtime.connect` until it is back."""

    verb = "was lost"


class ImageMissing(RuntimeFault):
    """`ref` is not in the engine, and pulling it failed for `why`: its registry has none, or with `unreached` does not
    answer under that name.
    """

    def __init__(self, ref: str, why: str, fix: str = "", unreached: str = "") -> None:
        said = f"is not in the engine, and its registry {unreached} cannot be reached" if unreached else "is missing"
        super().__init__(f'image "{ref}" {said}: {why}' + (f"; {fix}" if fix else ""))
        self.ref = ref
        self.why = why
        self.fix = fix


class ImageForbidden(ImageMissing):
    """Kubernetes' ErrImageNeverPull, in its words."""

    def __init__(self, ref: str) -> None:
        fix = "build it into the engine (docker build -t), or let imagePullPolicy be IfNotPresent"
        super().__init__(ref, f'Container image "{ref}" is not present with pull policy of Never', fix)


class ContainerFailed(RuntimeFault):
    """The engine refused to `stage` ("create", "start", "run a command in" …) container `name`, for `why`.

    After a failed `Runtime.start` nothing is left behind. Kubernetes reports such a start as exit code 128.
    """

    def __init__(self, name: str, stage: str, why: str) -> None:
        super().__init__(f"could not {stage} container {name}: {why}")
        self.name = name
        self.stage = stage
        self.why = why


class ContainerGone(RuntimeFault):
    """There is no container `id`: removed by somebody, or never made."""

    def __init__(self, id: str) -> None:
        super().__init__(f"no container {id[:12]} in the engine: it was removed")
        self.id = id


class NameTaken(RuntimeFault):
    """A container called `name` exists already (`holder` is its id where the engine says so)."""

    def __init__(self, name: str, holder: str = "") -> None:
        held = f" (container {holder[:12]})" if holder else ""
        super().__init__(f"a container called {name} exists already{held}; remove it or choose another name")
        self.name = name
        self.holder = holder
