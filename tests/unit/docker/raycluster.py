"""What the operator KubeRay takes as a RayCluster: as much of it as the example uses.

No package carries the operator's CustomResourceDefinition, so this is written after the types
from which it is generated, ``ray-operator/apis/ray/v1/raycluster_types.go`` of
ray-project/kuberay: at commit 3275ee09f6a6 (early 2025) and as they were in autumn 2026, when
they had got ``authOptions`` and ``tlsOptions``. What stands here is the same in both. Pod
templates and services within it are Kubernetes' own kinds, and are checked as such.
"""

from collections.abc import Mapping
from typing import Any, Final

_COUNT: Final = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
# A number or a truth here is refused by the API server: each must stand in quotes.
_START_PARAMETERS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_CORE: Final = {"type": "object"}


def _object(required: tuple[str, ...], **fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": list(required),
        "additionalProperties": False,
    }


_HEAD: Final = _object(
    ("template", "rayStartParams"),
    template=_CORE,
    headService=_CORE,
    rayStartParams=_START_PARAMETERS,
    serviceType={"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
)
_GROUP: Final = _object(
    ("groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"),
    groupName={"type": "string"},
    replicas=_COUNT,
    minReplicas=_COUNT,
    maxReplicas=_COUNT,
    rayStartParams=_START_PARAMETERS,
    template=_CORE,
)
_METADATA: Final = _object(
    ("name",),
    # `ValidateRayClusterMetadata`: a label of RFC 1035.
    name={"type": "string", "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$"},
    namespace={"type": "string"},
    annotations={"type": "object", "additionalProperties": {"type": "string"}},
)

SCHEMA: Final = _object(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayCluster"},
    metadata=_METADATA,
    spec=_object(
        ("headGroupSpec",),
        rayVersion={"type": "string"},
        enableInTreeAutoscaling={"type": "boolean"},
        headGroupSpec=_HEAD,
        workerGroupSpecs={"type": "array", "items": _GROUP},
    ),
)
"""JSON schema of the resource; a field that the example does not use is refused, too."""
