"""The example for Kubernetes against schemas: every field is one that its readers know."""

import json
import os
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.unit.docker.programs import DOCKER, must_accept
from tests.unit.docker.raycluster import SCHEMA

TEXT = (DOCKER / "kuberay.yaml").read_text()
# The oldest and the newest that the package knows.
RELEASES = ("1.25", "1.37")


def parts() -> list[dict[str, Any]]:
    """Return the documents of the manifest; what is said once for two places is there twice."""
    return [json.loads(json.dumps(part)) for part in yaml.safe_load_all(TEXT)]


def cluster() -> dict[str, Any]:
    """Return the resource that the operator reads."""
    (found,) = (part for part in parts() if part["kind"] == "RayCluster")
    return found


def core_kinds() -> Iterator[dict[str, Any]]:
    """Return what Kubernetes itself reads: also within the operator's resource."""
    yield from (part for part in parts() if part["kind"] != "RayCluster")
    spec = cluster()["spec"]
    named = {"apiVersion": "v1", "metadata": {"name": "part"}}
    yield {**named, "kind": "Service", **spec["headGroupSpec"]["headService"]}
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        yield {**named, "kind": "PodTemplate", "template": group["template"]}


@pytest.fixture
def schemas() -> Any:
    """Return the package that carries Kubernetes' own schemas."""
    if find_spec("kubernetes_validate") is None:
        assert "CI" not in os.environ, "kubernetes-validate is missing"
        pytest.skip("kubernetes-validate is not installed here")
    return import_module("kubernetes_validate")


@pytest.mark.peer("kubernetes_validate")
@pytest.mark.parametrize("release", RELEASES)
def test_kubernetes_knows_every_field_of_its_own_kinds(release: str, schemas: Any) -> None:
    kinds = list(core_kinds())

    assert len(kinds) == 6
    for kind in kinds:
        assert schemas.validate(kind, release, strict=True) == release


@pytest.mark.peer("kubernetes_validate")
@pytest.mark.parametrize(
    ("place", "misspelt", "value"),
    [
        (("containers", 0, "securityContext"), "readOnlyRootFileSystem", True),
        (("securityContext",), "runAsNonroot", True),
        (("volumes", 3, "emptyDir"), "medium", 1),
        ((), "automountServiceAccountTokens", False),
        (("containers", 0, "readinessProbe"), "tcpsocket", {"port": 7443}),
    ],
)
def test_a_misspelt_protection_of_a_pod_is_found(
    place: tuple[str | int, ...], misspelt: str, value: object, schemas: Any
) -> None:
    pods = [kind for kind in core_kinds() if kind["kind"] == "PodTemplate"]
    for pod in pods:
        within = pod["template"]["spec"]
        for step in place:
            within = within[step]
        within[misspelt] = value

        with pytest.raises(schemas.ValidationError):
            schemas.validate(pod, RELEASES[-1], strict=True)
    assert len(pods) == 2


def test_the_operator_knows_every_field_of_its_resource() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    jsonschema.validate(cluster(), SCHEMA)


@pytest.mark.parametrize(
    ("place", "field", "value"),
    [
        (("spec",), "enableIntreeAutoscaling", False),
        (("spec", "headGroupSpec", "rayStartParams"), "num-cpus", 0),
        (("spec", "workerGroupSpecs", 0), "minReplicas", "2"),
        (("metadata",), "name", "Deid"),
        ((), "apiVersion", "ray.io/v1alpha1"),
    ],
)
def test_a_wrong_field_of_the_operators_resource_is_found(
    place: tuple[str | int, ...], field: str, value: object
) -> None:
    changed = cluster()
    within: Any = changed
    for step in place:
        within = within[step]
    within[field] = value

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed, SCHEMA)


@pytest.mark.peer("kubectl")
def test_kubectl_reads_the_text_as_we_do(tmp_path: Path) -> None:
    """Merged keys and repeated parts, too: its reader of YAML is another one."""
    (tmp_path / "kuberay.yaml").write_text(TEXT)
    (tmp_path / "kustomization.yaml").write_text("resources: [kuberay.yaml]\n")

    read = yaml.safe_load_all(must_accept("kubectl", "kustomize", str(tmp_path)))

    assert sorted(read, key=str) == sorted(parts(), key=str)
