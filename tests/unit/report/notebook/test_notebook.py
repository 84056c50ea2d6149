"""A notebook that is really run: what stands below its cells, and the page that it opens."""

from __future__ import annotations

import re
import webbrowser
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from torch import nn

import rflint
from tests.helpers.drawn import Drawn
from tests.helpers.nets import NET
from tests.helpers.program import plain_environment

CELLS = (
    "import rflint\nfrom net import too_deep\n"
    "report = rflint.lint(too_deep, res=16, name='net:too_deep')\nreport",
    "print(report)",
    "report.models[0]",
    "report.to_dataframe()[['name', 'r_in_min', 'verdict']]",
    "report.plot()",
    "import webbrowser\nwebbrowser.get = lambda: (_ for _ in ()).throw(webbrowser.Error())\n"
    "report.show().exists()",
    "from torch import nn\n\n"
    "class Here(nn.Module):\n"
    "    def __init__(self):\n"
    "        super().__init__()\n"
    "        self.deep = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(9)))\n\n"
    "    def forward(self, x):\n"
    "        return self.deep(x).mean((2, 3))\n\n"
    "rflint.lint(Here, res=8)",
)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """For each cell, its outputs by MIME type."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "net.py").write_text(NET, encoding="utf-8")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS]
    )
    client = NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=plain_environment())
    found = []
    for cell in notebook.cells:
        data: dict[str, Any] = {}
        for output in cell.outputs:
            if output.output_type == "stream":
                data[output.name] = data.get(output.name, "") + output.text
            else:
                data.update(output.data)
        found.append(data)
    return found


def test_the_last_line_of_a_cell_shows_the_figure(outputs: list[dict[str, Any]]) -> None:
    shown = outputs[0]["text/html"]
    assert "<script" not in shown
    assert shown.count("<svg") == 1
    namespace: dict[str, Any] = {}
    exec(NET, namespace)
    report = rflint.lint(namespace["too_deep"], res=16).to_dict()["models"][0]
    picture = re.search(r"<svg.*?</svg>", shown, re.S)
    assert picture is not None
    layers = {x["name"]: x for x in report["layers"]}
    dots = Drawn(picture[0]).dots
    assert [dot.told.splitlines()[0] for dot in dots] == ["0", "1", "2", "3", "4", "5", "6"]
    for dot in dots:
        layer = layers[dot.told.splitlines()[0]]
        assert dot.length == pytest.approx(layer["r_in_min"][0], rel=2e-3, abs=0.05)
        assert (dot.stroke == "#d55e00") == (layer["verdict"] == "unproductive")
    assert f"{report['totals']['unproductive']} of {report['totals']['convs']} conv" in shown
    assert outputs[0]["text/plain"].startswith("<Report of net:too_deep at 16x16: ")


def test_a_printed_report_is_that_of_the_command_line(outputs: list[dict[str, Any]]) -> None:
    assert outputs[1]["stdout"].startswith("net:too_deep  on 1×3×16×16\n")
    assert "\x1b" not in outputs[1]["stdout"]
    assert outputs[1].keys() == {"stdout"}


def test_a_model_is_a_line_and_the_table_is_one(outputs: list[dict[str, Any]]) -> None:
    assert outputs[2]["text/plain"].startswith("<ModelReport of net:too_deep at 16x16: 1 of 4")
    assert "<table" in outputs[3]["text/html"]
    assert "unproductive" in outputs[3]["text/plain"]


def test_a_plot_is_an_image_without_any_further_import(outputs: list[dict[str, Any]]) -> None:
    assert outputs[4]["image/png"].startswith("iVBOR")


def test_a_line_of_a_cell_is_named_by_the_cell(outputs: list[dict[str, Any]]) -> None:
    shown = outputs[6]["text/html"]
    assert "cell [7], line 6" in shown
    assert "ipykernel" not in shown


def tags_of(html: str) -> list[tuple[str, dict[str, str]]]:
    """The start tags as a browser reads them, with their attributes."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, {name: value or "" for name, value in attrs}))

    Reader().feed(html)
    return found


def test_without_a_browser_the_page_is_below_the_cell(outputs: list[dict[str, Any]]) -> None:
    assert outputs[5]["text/plain"] == "True"
    assert "stderr" not in outputs[5]
    ((tag, attributes),) = tags_of(outputs[5]["text/html"])
    assert tag == "iframe"
    assert attributes["sandbox"] == "allow-scripts"
    assert 'id="rflint-report"' in attributes["srcdoc"]


def test_outside_of_notebooks_the_page_is_opened_in_the_browser(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened = []

    class Browser(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
            opened.append(url)
            return True

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(webbrowser, "get", Browser)
    file = rflint.lint(nn.Conv2d(3, 4, 3), res=8).show()
    assert opened == [file.as_uri()]
    assert file.parent == tmp_path
    assert 'id="rflint-report"' in file.read_text(encoding="utf-8")


def test_where_nobody_can_look_the_page_is_still_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none() -> None:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(webbrowser, "get", none)
    assert rflint.lint(nn.Conv2d(3, 4, 3), res=8).show().exists()
