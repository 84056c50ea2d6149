"""Where the packages of a project lie: what its pyproject.toml, setup.cfg or setup.py say, or src/.

Nothing is run. What `pip install -e .` would put on the search path is read from the tables of the
build tools.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py", ".git")
"""One of these lies in the folder of a project."""

_OF_BUILDS = ("project", "build-system", "tool.poetry")
_COMPILERS = re.compile(r"cython|pybind11|nanobind|maturin|scikit-build|meson-python|cffi|torch")
"""What projects with compiled code are built with."""


@dataclass(frozen=True)
class ProjectLayout:
    """What a project says of itself."""

    folder: Path

    @classmethod
    def around(cls, start: Path) -> ProjectLayout:
        """The project that a folder belongs to; the folder itself where there is none."""
        start = start.resolve()
        for folder in (start, *start.parents):
            if any((folder / name).exists() for name in _PROJECT_FILES):
                return cls(folder)
        return cls(start)

    @cached_property
    def table(self) -> Mapping[str, Any]:
        """The content of its pyproject.toml; empty if it has none that can be read."""
        try:
            return _parsed((self.folder / "pyproject.toml").read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}

    @property
    def source_folders(self) -> tuple[Path, ...]:
        """Folders that hold its top-level packages, as far as they exist; not its own folder."""
        said = [*_in_pyproject(self.table), *_in_setup_cfg(self.folder), *_in_setup_py(self.folder)]
        folders = ((self.folder / name).resolve() for name in (*said, "src"))
        found = dict.fromkeys(x for x in folders if x != self.folder and x.is_dir())
        return tuple(found)

    @property
    def own_folders(self) -> Mapping[str, str]:
        """Top-level packages in a folder of another name, which no search path can express."""
        found = {}
        for package, folder in _package_folders(self.table):
            if package.isidentifier() and _parent(package, folder) is None:
                found[package] = folder
        return found

    @property
    def name(self) -> str:
        """What it is called once it is installed; empty if unknown."""
        for at in ("project.name", "tool.poetry.name", "tool.flit.metadata.dist-name"):
            if found := _texts(_at(self.table, at)):
                return found[0]
        return "".join(_setup_cfg_values(self.folder, "metadata", "name")[:1])

    @property
    def is_installable(self) -> bool:
        """Whether `pip install -e .` installs it."""
        has_tables = any(_is_table(_at(self.table, x)) for x in _OF_BUILDS)
        return has_tables or bool(self.name) or (self.folder / "setup.py").is_file()

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The distributions that it needs everywhere, by name."""
        said = _texts(_at(self.table, "project.dependencies"))
        said += _setup_cfg_values(self.folder, "options", "install_requires")
        poetry = _at(self.table, "tool.poetry.dependencies")
        if _is_table(poetry):
            optional = [x for x in poetry if _at(poetry[x], "optional") is True]
            said += [x for x in poetry if x not in ("python", *optional)]
        return tuple(dict.fromkeys(_names(said)))

    @property
    def extras(self) -> Mapping[str, tuple[str, ...]]:
        """The distributions that its extras need."""
        said = _at(self.table, "project.optional-dependencies")
        tables = said if _is_table(said) else {}
        return {extra: tuple(_names(_texts(needs))) for extra, needs in tables.items()}

    def entry_points(self, group: str) -> Mapping[str, str]:
        """The entry points of a group that it has once it is installed."""
        tables = (self.table, "project", "entry-points"), (self.table, "tool", "poetry", "plugins")
        found: dict[str, str] = {}
        for table, *keys in tables:
            said: Any = table
            for key in (*keys, group):
                said = said.get(key) if _is_table(said) else None
            if _is_table(said):
                found |= {name: value for name, value in said.items() if isinstance(value, str)}
        for line in _setup_cfg_values(self.folder, "options.entry_points", group):
            name, equals, value = line.partition("=")
            if equals:
                found[name.strip()] = value.strip()
        return found

    @property
    def compiles(self) -> bool:
        """Whether something is compiled when it is built."""
        requires = " ".join(_texts(_at(self.table, "build-system.requires"))).lower()
        try:
            setup = (self.folder / "setup.py").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            setup = ""
        return bool(_COMPILERS.search(requires)) or "ext_modules" in setup


@lru_cache(maxsize=4)
def _parsed(text: str) -> Mapping[str, Any]:
    """The tables of a pyproject.toml, which a run asks for several times."""
    tables: dict[str, Any] = tomllib.loads(text)
    return tables


def _names(requirements: Sequence[str]) -> Iterator[str]:
    """The names in requirements, without those that are only needed somewhere."""
    for requirement in requirements:
        name = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
        if name and ";" not in requirement:
            yield name[1]


def _in_pyproject(table: Mapping[str, Any]) -> Iterator[str]:
    for package, folder in _package_folders(table):
        parent = _parent(package, folder)
        if parent is not None:
            yield parent
    # setuptools
    yield from _texts(_at(table, "tool.setuptools.packages.find.where"))
    # hatch
    for at in ("tool.hatch.build.targets.wheel", "tool.hatch.build"):
        build = _at(table, at)
        yield from _texts(_at(build, "dev-mode-dirs"))
        yield from (str(Path(x).parent) for x in _texts(_at(build, "packages")))
        sources = _at(build, "sources")
        yield from _texts([x for x in sources if not sources[x]] if _is_table(sources) else sources)
    # poetry
    for package in _list(_at(table, "tool.poetry.packages")):
        yield from _texts(_at(package, "from"))
    # pdm, uv, maturin, scikit-build
    yield from _texts(_at(table, "tool.pdm.build.package-dir"))
    yield from _texts(_at(table, "tool.pdm.package-dir"))
    yield from _texts(_at(table, "tool.uv.build-backend.module-root"))
    yield from _texts(_at(table, "tool.maturin.python-source"))
    yield from (str(Path(x).parent) for x in _texts(_at(table, "tool.scikit-build.wheel.packages")))


def _package_folders(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Packages with their folders; without a name, the folder that holds all of them."""
    said = _at(table, "tool.setuptools.package-dir")
    if _is_table(said):
        yield from ((name, folder) for name, folder in said.items() if isinstance(folder, str))
    sources = _at(table, "tool.hatch.build.targets.wheel.sources")
    if _is_table(sources):
        for folder, name in sources.items():
            if isinstance(name, str) and name:
                yield name.replace("/", "."), folder


def _parent(package: str, folder: str) -> str | None:
    """The folder to search in for a package; None if its own folder has another name."""
    parts, names = Path(folder).parts, tuple(package.split(".")) if package else ()
    if parts[len(parts) - len(names) :] != names:
        return None
    return str(Path(*parts[: len(parts) - len(names)]))


def _in_setup_cfg(folder: Path) -> Iterator[str]:
    for line in _setup_cfg_values(folder, "options", "package_dir"):
        package, equals, where = line.partition("=")
        parent = _parent(package.strip(), where.strip()) if equals else None
        if parent is not None:
            yield parent
    yield from _setup_cfg_values(folder, "options.packages.find", "where")


def _setup_cfg_values(folder: Path, section: str, key: str) -> list[str]:
    """The lines of a value in setup.cfg; none if there is no such file, section or key."""
    try:
        text = (folder / "setup.cfg").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    import configparser

    found = configparser.ConfigParser(interpolation=None)
    try:
        found.read_string(text)
    except configparser.Error:  # it is for the build tool to say
        return []
    lines = found.get(section, key, fallback="").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _in_setup_py(folder: Path) -> Iterator[str]:
    """`setup(package_dir={"": "src"})` and `find_packages("src")`, where they are written so."""
    try:
        tree = ast.parse((folder / "setup.py").read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("package_dir", "where"):
            yield from _literal_folders(node.value)
        elif isinstance(node, ast.Call) and _called(node) in (
            "find_packages",
            "find_namespace_packages",
        ):
            yield from (folder for x in node.args[:1] for folder in _literal_folders(x))


def _literal_folders(node: ast.expr) -> Iterator[str]:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):  # it is computed
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for package, folder in value.items():
            if isinstance(package, str) and isinstance(folder, str):
                parent = _parent(package, folder)
                if parent is not None:
                    yield parent


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _at(table: Any, path: str) -> Any:
    """What a dotted key leads to; None if it leads nowhere."""
    for key in path.split("."):
        table = table.get(key) if _is_table(table) else None
    return table


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    """A text or a list of texts as a list; whatever else is there is for the build tool to say."""
    return [x for x in (value if isinstance(value, list) else [value]) if isinstance(x, str)]
