"""The RayJob in `examples/ops`: its parts fit each other, the image and this version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from blobmaster.cli.train import train

ROOT = Path(__file__).parents[2]
OPS = ROOT / "examples" / "ops"
TEXT = (OPS / "kuberay-job.yaml").read_text()


def documents() -> dict[str, Any]:
    """Return the documents of the manifest by their kind."""
    yaml = pytest.importorskip("yaml")
    return {document["kind"]: document for document in yaml.safe_load_all(TEXT)}


def pods() -> list[dict[str, Any]]:
    """Return the specifications of the head's pod and of the workers'."""
    cluster = documents()["RayJob"]["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


def test_the_command_is_one_of_this_version_and_writes_to_the_volume_of_the_head() -> None:
    program, command, *words = documents()["RayJob"]["spec"]["entrypoint"].split()
    assert (program, command) == ("blobmaster", "train")
    options = train.make_context("train", list(words)).params
    assert (options["backend"], options["ray_address"]) == ("ray", "auto")
    assert options["auto_resume"]
    claim = documents()["PersistentVolumeClaim"]["metadata"]["name"]
    head = pods()[0]
    (volume,) = [v["name"] for v in head["volumes"] if "persistentVolumeClaim" in v]
    assert head["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim
    mounts = {m["name"]: m["mountPath"] for m in head["containers"][0]["volumeMounts"]}
    assert mounts[volume] == words[words.index("--checkpoint-dir") + 1]


def test_all_pods_have_the_same_image_and_user_and_mount_what_they_name() -> None:
    for pod in pods():
        (container,) = pod["containers"]
        assert container["image"] == pods()[0]["containers"][0]["image"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"] == pods()[0]["securityContext"]
        named = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == named
        assert container["resources"]["limits"] == container["resources"]["requests"]


def test_the_cluster_asks_for_a_token_and_its_ray_is_the_one_of_the_image() -> None:
    spec = documents()["RayJob"]["spec"]["rayClusterSpec"]
    assert spec["authOptions"] == {"mode": "token"}
    wanted = f"ray[default]=={spec['rayVersion']}"
    assert f"RAY='{wanted}'" in TEXT
    assert f"RAY='{wanted}'" in (OPS / "Dockerfile").read_text()
    (lowest,) = re.findall(r'"ray>=([\d.]+),<3"', (ROOT / "pyproject.toml").read_text())
    assert tuple(map(int, lowest.split("."))) <= tuple(map(int, spec["rayVersion"].split(".")))
