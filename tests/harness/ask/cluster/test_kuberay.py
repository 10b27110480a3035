from __future__ import annotations

import yaml

from harness.ask.cluster.ray_session import SOURCES


def test_the_example_keeps_its_promises() -> None:
    text = (SOURCES / "configs/kuberay/rightsize.yaml").read_text()
    claim, cluster = yaml.safe_load_all(text)
    spec = cluster["spec"]
    assert spec["authOptions"] == {"mode": "token"}
    head = spec["headGroupSpec"]["template"]["spec"]
    (workers,) = spec["workerGroupSpecs"]
    worker = workers["template"]["spec"]["containers"][0]
    assert head["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert worker["image"] == head["containers"][0]["image"]
    assert worker["envFrom"] == head["containers"][0]["envFrom"]
    assert "volumes" not in workers["template"]["spec"]
