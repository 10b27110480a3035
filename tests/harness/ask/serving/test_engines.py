"""A spec becomes a command line, and the child's environment holds no other key."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.ask.serving.server import last_line
from harness.ask.serving.specs import (
    ServeSpec,
    child_environment,
    command_line,
    serve_specs,
    served_name,
)
from harness.errors import UsageError
from harness.workspace.model_file import ModelConfig, OfflineConfig, ServeConfig


def test_vllm_is_told_where_to_listen_and_what_it_is_called(tmp_path: Path) -> None:
    models = {
        "llama-8b": ModelConfig(
            provider="openai-compatible",
            version="llama-3.1-8b",
            serve=ServeConfig(
                engine="vllm",
                weights="w",
                gpus=2,
                python="/opt/vllm/bin/python",
                args=("--max-model-len", "16384"),
            ),
        )
    }
    spec = serve_specs(models, {"w": tmp_path}, workspace=tmp_path)["llama-8b"]
    assert command_line("llama-8b", spec, 8123) == [
        "/opt/vllm/bin/python", "-I", "-m", "vllm.entrypoints.cli.main", "serve", str(tmp_path),
        "--host", "127.0.0.1", "--port", "8123", "--served-model-name", "llama-3.1-8b",
        "--tensor-parallel-size", "2", "--max-model-len", "16384",
    ]  # fmt: skip


def test_one_gpu_needs_no_tensor_parallel(tmp_path: Path) -> None:
    spec = ServeSpec(engine="vllm", weights=tmp_path, gpus=1)
    assert "--tensor-parallel-size" not in command_line("m", spec, 1)


def test_a_command_has_its_port_and_weights_filled_in(tmp_path: Path) -> None:
    spec = ServeSpec(
        engine="command",
        weights=tmp_path,
        command=("docker", "run", "-p", "127.0.0.1:{port}:8000", "-v", "{weights}:/w", "image"),
        args=("--extra",),
    )
    assert command_line("m", spec, 8123) == [
        "docker", "run", "-p", "127.0.0.1:8123:8000", "-v", f"{tmp_path}:/w", "image", "--extra",
    ]  # fmt: skip


def test_what_begins_with_a_dot_is_of_the_workspace(tmp_path: Path) -> None:
    offline = OfflineConfig(command=("../bin/batch", "{input}", "{output}", ".hidden"))
    serve = ServeConfig(
        engine="command",
        command=("./serve.sh", "{port}", "--path=./x"),
        python="./venv/bin/python",
        offline=offline,
    )
    models = {"m": ModelConfig(provider="openai-compatible", serve=serve)}
    spec = serve_specs(models, {}, workspace=tmp_path)["m"]
    assert spec.command == (f"{tmp_path}/serve.sh", "{port}", "--path=./x")
    assert spec.offline_command == (f"{tmp_path}/../bin/batch", "{input}", "{output}", ".hidden")
    assert spec.python == f"{tmp_path}/venv/bin/python"


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        pytest.param(
            ServeSpec(engine="command", weights=None, command=("serve",)),
            r"m: serve\.command: needs \{port\}",
            id="command without a port",
        ),
        pytest.param(
            ServeSpec(engine="vllm", weights=None),
            r"m: serve\.weights: engine vllm needs weights",
            id="no weights",
        ),
        pytest.param(
            ServeSpec(engine="llama-cpp", weights=Path("no/such/file.gguf")),
            r"m: serve\.weights: no/such/file\.gguf does not exist",
            id="missing file",
        ),
    ],
)
def test_what_cannot_be_started_is_said_with_its_key(spec: ServeSpec, line: str) -> None:
    with pytest.raises(UsageError, match=line):
        command_line("m", spec, 1)


def test_no_path_is_in_the_name_that_a_record_will_show(tmp_path: Path) -> None:
    weights = tmp_path / "small-q4.gguf"
    spec = ServeSpec(engine="llama-cpp", weights=weights)
    assert served_name("entry", spec) == "small-q4"
    assert served_name("entry", ServeSpec(engine="vllm", weights=tmp_path)) == "entry"


def test_weights_that_were_not_found_are_said() -> None:
    models = {
        "m": ModelConfig(
            provider="openai-compatible", serve=ServeConfig(engine="vllm", weights="w")
        ),
        "hosted": ModelConfig(provider="openai"),
    }
    with pytest.raises(UsageError, match=r"m: serve\.weights: .*'w'"):
        serve_specs(models, {}, workspace=Path())


def test_entries_that_differ_in_waiting_or_wire_alone_share_a_server(tmp_path: Path) -> None:
    weights = tmp_path / "w.gguf"
    chat = ServeSpec(engine="llama-cpp", weights=weights, wire="chat", ttl_s=1)
    raw = ServeSpec(engine="llama-cpp", weights=weights, wire="completions", ready_s=2)
    assert chat == raw
    assert chat != ServeSpec(engine="llama-cpp", weights=weights, args=("--ctx", "1"))


def test_a_child_gets_its_own_key_and_gpus_and_nobody_elses() -> None:
    environ = {
        "PATH": "/bin", "ANTHROPIC_API_KEY": "a", "HF_TOKEN": "b", "MY_KEY": "c",
        "DB_PASSWORD": "d",
    }  # fmt: skip
    spec = ServeSpec(engine="vllm", weights=None, key_name="MY_KEY")
    assert child_environment(spec, environ, ("2", "3")) == {
        "PATH": "/bin",
        "MY_KEY": "c",
        "VLLM_API_KEY": "c",
        "CUDA_VISIBLE_DEVICES": "2,3",
    }
    other = ServeSpec(engine="command", weights=None)
    assert child_environment(other, environ, ()) == {"PATH": "/bin"}


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("loading\nllama.cpp: no such file\n0.01 E srv init: exiting\n", "llama.cpp: no such file"),
        ("loading\nout of memory\n\n", "out of memory"),
        ("\n \n", "(empty)"),
    ],
)
def test_why_a_server_ended_is_its_own_line_whoever_wrote_last(
    tmp_path: Path, log: str, line: str
) -> None:
    (tmp_path / "own.log").write_text(log)
    assert last_line(tmp_path / "own.log") == line
