"""What all tests share."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, settings

from rflint.report.model_report import ModelReport
from rflint.report.report import Report
from tests.helpers.forked import Forked
from tests.helpers.program import warm
from tests.helpers.schema import checked, checked_model
from zoo.models import ZooModel, all_models

# A busy machine is no fault of a test: examples may take as long as they need, to draw and to run.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """On tensors this small, threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def a_test_imports_for_itself(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forget the modules that a test wrote: the next one may write others of the same names."""
    before, path, written = set(sys.modules), [*sys.path], str(tmp_path_factory.getbasetemp())
    yield
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(written):
            del sys.modules[name]


@pytest.fixture(autouse=True, scope="session")
def every_report_keeps_the_schema() -> Iterator[None]:
    """Whatever is made into a dictionary, in any test, is exactly what the schema describes."""
    report, model = Report.to_dict, ModelReport.to_dict
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ModelReport, "to_dict", lambda self: checked_model(model(self)))
        patched.setattr(Report, "to_dict", lambda self: checked(report(self)))
        yield


@pytest.fixture(scope="session")
def forked() -> Forked:
    """The program in processes that have torch already."""
    return warm()


@pytest.fixture(scope="session")
def zoo() -> dict[str, ZooModel]:
    """The models of torchvision and timm, by title."""
    return all_models()
