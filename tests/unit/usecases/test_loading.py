"""What trains or downloads while it is imported or built is stopped; what looks like it is not."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd import Variable

import rflint
from rflint.report.report import Failure, Report
from tests.helpers.program import write

HEAD = """
import torch
from torch import nn

net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
loss = net(torch.rand(1, 3, 8, 8)).sum()
"""
SCRIPTS = {
    "a backward pass": ("loss.backward()", "computes gradients"),
    "torch.autograd.backward": ("torch.autograd.backward(loss)", "computes gradients"),
    "torch.autograd.grad": (
        "from torch.autograd import grad; grad(loss, list(net.parameters()))",
        "computes gradients",
    ),
    "an optimiser step": (
        "torch.optim.Adam(net.parameters()).step()",
        "takes an optimiser step (Adam.step)",
    ),
    "a loop that swallows exceptions": (
        "try: loss.backward()\nexcept Exception: pass",
        "computes gradients",
    ),
}
ADDRESS = "https://weights.example/net.pth"


def layer() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3))


def linted(folder: Path, target: str, **options: Any) -> Report:
    """What the command line does, in this process and from a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return rflint.lint_project(target, isolated=True, res=8, **options)
    finally:
        os.chdir(before)


def failure(folder: Path, target: str, **options: Any) -> Failure:
    report = linted(folder, target, **options)
    (found,) = report.failures
    assert report.exit_status(None) == 2
    return found


@pytest.mark.parametrize(("line", "says"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_that_trains_when_imported_is_stopped(
    tmp_path: Path, line: str, says: str
) -> None:
    write(tmp_path, {"script.py": HEAD + line + "\nraise SystemExit('trained')\n"})
    error = failure(tmp_path, "script.py:net").error
    assert error.kind == "training"
    assert f"importing script.py trains: it {says}" in error.message
    assert error.source is not None
    assert (Path(error.source.path).name, error.source.line) == ("script.py", 7)
    assert 'if __name__ == "__main__":' in error.hint
    assert error.hint.endswith("--allow-training")


def test_training_in_a_module_that_the_target_imports_names_that_module(tmp_path: Path) -> None:
    write(tmp_path, {"acme_lib.py": f"{HEAD}loss.backward()", "top.py": "from acme_lib import net"})
    source = failure(tmp_path, "top.py:net").error.source
    assert source is not None
    assert (Path(source.path).name, source.line) == ("acme_lib.py", 7)


def test_a_script_may_train_where_it_is_allowed(tmp_path: Path) -> None:
    write(tmp_path, {"allowed.py": f"{HEAD}loss.backward()\nraised = net[0].weight.grad.sum()"})
    assert not linted(tmp_path, "allowed.py:net", allow_training=True).failures


def test_the_configuration_may_allow_it(tmp_path: Path) -> None:
    models = "[[models]]\ntarget = 'configured.py:net'\nres = 8\nallow-training = true\n"
    write(tmp_path, {"configured.py": f"{HEAD}loss.backward()", "rflint.toml": models})
    report = rflint.lint_project(configuration=tmp_path / "rflint.toml")
    assert [model.target for model in report.models] == ["configured.py:net"]


def test_a_package_that_is_imported_may_compute_gradients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site-packages"
    write(installed, {"acme_selftest/__init__.py": f"{HEAD}loss.backward()"})
    write(tmp_path, {"uses.py": "from acme_selftest import net"})
    monkeypatch.syspath_prepend(str(installed))
    try:
        assert not linted(tmp_path, "uses.py:net").failures
    finally:
        sys.modules.pop("acme_selftest", None)


def test_derivatives_of_plain_functions_are_no_training() -> None:
    def build() -> nn.Module:
        assert torch.func.grad(torch.sin)(torch.zeros(())) is not None
        return layer()

    assert not rflint.lint(build, res=8).failures


def test_a_builder_that_trains_is_stopped() -> None:
    calls = []

    def build() -> nn.Module:
        calls.append(1)
        net = nn.Linear(2, 2)
        net(torch.ones(1, 2)).sum().backward()
        return layer()

    with pytest.raises(rflint.RflintError, match="trains: it computes gradients") as raised:
        rflint.lint(build, res=8)
    assert calls == [1]  # not again, with real weights
    assert raised.value.kind == "training"
    assert raised.value.source is not None
    assert raised.value.source.line == build.__code__.co_firstlineno + 3
    assert "__main__" not in raised.value.hint
    assert raised.value.hint.endswith("allow_training=True")
    assert not rflint.lint(build, res=8, allow_training=True).failures


def test_other_threads_may_train_meanwhile() -> None:
    """A program that lints may train a model beside that."""
    gradients = []

    def train() -> None:
        weight = torch.ones(2, requires_grad=True)
        weight.sum().backward()
        gradients.append(weight.grad)

    def build() -> nn.Module:
        thread = threading.Thread(target=train)
        thread.start()
        thread.join()
        return layer()

    assert not rflint.lint(build, res=8).failures
    assert len(gradients) == 1


def test_forward_may_take_derivatives() -> None:
    class Energy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: torch.Tensor) -> Any:
            assert type(Variable._execution_engine).__name__ != "_WatchedEngine"
            return self.conv(x)

    assert not rflint.lint(Energy, res=8).failures


def test_nothing_is_left_in_torch() -> None:
    from torch.optim import optimizer

    engine, hooks = Variable._execution_engine, len(optimizer._global_optimizer_pre_hooks)
    rflint.lint(layer, res=8)
    assert Variable._execution_engine is engine
    assert len(optimizer._global_optimizer_pre_hooks) == hooks


# -- downloads


def request() -> None:
    urllib.request.urlopen(ADDRESS)


def connection() -> None:
    socket.create_connection(("weights.example", 443))


def to_a_number() -> None:
    with socket.socket() as opened:
        opened.connect(("192.0.2.1", 443))


WAYS = {
    "urllib": (request, f"downloads {ADDRESS}"),
    "a host": (connection, "connects to weights.example"),
    "an address": (to_a_number, "connects to 192.0.2.1"),
}


@pytest.mark.parametrize(("way", "says"), WAYS.values(), ids=WAYS)
def test_a_builder_that_downloads_is_stopped(way: Callable[[], None], says: str) -> None:
    def build(width: int = 4, pretrained: bool = True) -> nn.Module:
        if pretrained:
            way()
        return nn.Sequential(nn.Conv2d(3, width, 3))

    with pytest.raises(rflint.RflintError, match=says) as raised:
        rflint.lint(build, res=8)
    assert raised.value.kind == "download"
    assert raised.value.source is not None
    assert Path(raised.value.source.path).name == "test_loading.py"
    assert 'args={"pretrained": False}' in raised.value.hint
    assert raised.value.hint.endswith("allow_downloads=True")
    assert not rflint.lint(build, res=8, args={"pretrained": False}).failures


def test_a_library_that_tries_again_without_a_network_does_not_wait() -> None:
    """Nor is the builder called a second time, for real, as after other errors on meta."""
    called = []

    def build() -> nn.Module:
        called.append(1)
        for _ in range(5):
            with contextlib.suppress(OSError):
                request()
        return layer()

    with pytest.raises(rflint.RflintError, match="downloads"):
        rflint.lint(build, res=8)
    assert called == [1]


def test_weights_from_a_hub_are_not_downloaded(tmp_path: Path) -> None:
    def build() -> nn.Module:
        torch.hub.load_state_dict_from_url(ADDRESS, model_dir=str(tmp_path), progress=False)
        return layer()

    with pytest.raises(rflint.RflintError, match=f"downloads {ADDRESS}"):
        rflint.lint(build, res=8)
    assert list(tmp_path.iterdir()) == []


def test_a_download_while_importing_is_stopped(tmp_path: Path) -> None:
    code = f"import urllib.request\nurllib.request.urlopen({ADDRESS!r})"
    write(tmp_path, {"fetches.py": code})
    error = failure(tmp_path, "fetches.py:net").error
    assert error.kind == "download"
    assert f"importing fetches.py downloads {ADDRESS}" in error.message
    assert error.source is not None
    assert error.source.line == 2
    assert "weights=None, pretrained=False" in error.hint


def test_what_goes_on_without_the_network_is_linted_and_noted() -> None:
    def build() -> nn.Module:
        with contextlib.suppress(Exception):
            request()
        return layer()

    (model,) = rflint.lint(build, res=8).models
    (note,) = model.notes
    assert f"downloads {ADDRESS}" in note
    assert note.endswith("and went on")


def test_an_error_that_hides_its_cause_says_what_went_before() -> None:
    def build() -> nn.Module:
        failed = False
        try:
            request()
        except Exception:
            failed = True
        if failed:
            raise ValueError("no weights")
        return layer()

    with pytest.raises(rflint.RflintError, match="no weights") as raised:
        rflint.lint(build, res=8)
    assert raised.value.kind == "build"
    assert "Before that, " in raised.value.hint
    assert ADDRESS in raised.value.hint


def test_files_and_this_machine_are_no_network(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("local")

    def build() -> nn.Module:
        with urllib.request.urlopen((tmp_path / "weights").as_uri()) as opened:
            assert opened.read() == b"local"
        with socket.create_server(("localhost", 0)) as server:
            socket.create_connection(server.getsockname()[:2]).close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own_address:
            own_address.connect(("127.0.0.1", 9))
        return layer()

    assert not rflint.lint(build, res=8).models[0].notes


def test_a_package_that_asks_for_news_when_imported_is_let(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another package does is not for the user to change."""
    installed = tmp_path / "site-packages"
    asks = "import sys\nsys.audit('urllib.Request', 'https://news.example/', None, {}, 'GET')\n"
    write(installed, {"acme_news/__init__.py": asks})
    write(tmp_path, {"reads_news.py": f"import acme_news\n{HEAD}"})
    monkeypatch.syspath_prepend(str(installed))
    try:
        assert not linted(tmp_path, "reads_news.py:net").failures
    finally:
        sys.modules.pop("acme_news", None)


def test_a_proxy_of_this_machine_is_the_way_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = proxy.getsockname()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{address[1]}/")

        def build() -> nn.Module:
            socket.create_connection(address).close()
            return layer()

        with pytest.raises(rflint.RflintError, match=r"connects to 127\.0\.0\.1"):
            rflint.lint(build, res=8)
        (allowed,) = rflint.lint(build, res=8, allow_downloads=True).models
        assert not allowed.notes
