from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.resources
import importlib.util
import pickle
import runpy
import sys
import threading
import traceback
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

from otel_run import guard
from otel_run_bootstrap.import_hook import ImportHook, WatchedLoader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from pathlib import Path
    from types import ModuleType

TARGETS = ("library", "library.part", "_heapq", "_stat", "__hello__", "namespace", "missing")


class Recorder:
    """Notes of which modules it was told, and what they had defined by then."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.states: list[list[str]] = []
        self.failure: Exception | None = None
        self.hook = ImportHook(dict.fromkeys(TARGETS, self))

    def __call__(self, name: str) -> None:
        self.told.append(name)
        self.states.append([key for key in vars(sys.modules[name]) if not key.startswith("__")])
        if self.failure:
            raise self.failure


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path; what tests import from it, and the finders, are gone afterwards."""
    imported = dict(sys.modules)
    # Files of the same name and size follow each other within a second.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - set(imported):
        if name.partition(".")[0] in TARGETS:
            del sys.modules[name]
    sys.modules.update({name: imported[name] for name in TARGETS if name in imported})


@pytest.fixture
def recorder(modules: Path) -> Recorder:
    (modules / "library.py").write_text("defined = 1\ndef function(): ...\n")
    recorder = Recorder()
    recorder.hook.install()
    recorder.told.clear()
    recorder.states.clear()
    return recorder


def library() -> ModuleType:
    return importlib.import_module("library")


@pytest.mark.usefixtures("modules")
def test_what_is_imported_already_is_told_at_once() -> None:
    import _heapq

    recorder = Recorder()
    recorder.hook.install()

    assert _heapq.__name__ in recorder.told
    assert "library" not in recorder.told


def test_a_module_is_told_at_the_end_of_its_execution(recorder: Recorder) -> None:
    library()

    assert recorder.told == ["library"]
    assert recorder.states == [["defined", "function"]]


def test_another_module_is_not_told(recorder: Recorder, modules: Path) -> None:
    (modules / "stranger.py").write_text("")
    importlib.import_module("stranger")
    del sys.modules["stranger"]

    assert recorder.told == []


def test_names_taken_from_it_are_what_the_function_put_there(
    recorder: Recorder, modules: Path
) -> None:
    (modules / "program.py").write_text("from library import defined")
    recorder.hook.functions["library"] = lambda name: setattr(sys.modules[name], "defined", 2)
    program = importlib.import_module("program")
    del sys.modules["program"]

    assert program.defined == 2


def test_spec_and_loader_are_what_they_would_be(recorder: Recorder, modules: Path) -> None:
    module = library()
    spec = module.__spec__

    assert recorder.told == ["library"]
    assert spec is not None
    assert spec.origin == module.__file__ == str(modules / "library.py")
    assert type(spec.loader) is importlib.machinery.SourceFileLoader
    assert module.__loader__ is spec.loader
    assert spec.loader.get_source("library") == (modules / "library.py").read_text()
    assert spec.parent == module.__package__ == ""
    assert repr(module) == f"<module 'library' from '{modules / 'library.py'}'>"


@pytest.mark.usefixtures("recorder")
def test_looking_for_a_spec_finds_the_usual_loader() -> None:
    spec = importlib.util.find_spec("library")

    assert spec is not None
    assert type(spec.loader) is importlib.machinery.SourceFileLoader
    assert "library" not in sys.modules


def test_a_module_that_is_missing_stays_missing(recorder: Recorder) -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named 'missing'"):
        importlib.import_module("missing")

    assert importlib.util.find_spec("missing") is None
    assert recorder.told == []


def test_reload_tells_again(recorder: Recorder) -> None:
    module = library()
    importlib.reload(module)

    assert recorder.told == ["library", "library"]


def test_executing_the_same_spec_again_tells_again(recorder: Recorder) -> None:
    module = library()
    assert module.__spec__ is not None
    assert module.__spec__.loader is not None
    module.__spec__.loader.exec_module(module)

    assert recorder.told == ["library", "library"]


def test_an_import_after_a_removal_tells_again(recorder: Recorder) -> None:
    library()
    del sys.modules["library"]
    library()

    assert recorder.told == ["library", "library"]


def test_a_copy_that_nobody_can_import_is_not_told(recorder: Recorder) -> None:
    spec = importlib.util.find_spec("library")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))

    assert recorder.told == []


def test_submodules_are_told_before_their_package(recorder: Recorder, modules: Path) -> None:
    (modules / "library.py").unlink()
    (modules / "library").mkdir()
    (modules / "library" / "__init__.py").write_text("from library.part import x")
    (modules / "library" / "part.py").write_text("x = 1")
    (modules / "library" / "data.txt").write_text("data")
    module = library()

    assert recorder.told == ["library.part", "library"]
    assert recorder.states == [["x"], ["part", "x"]]
    assert importlib.resources.files(module).joinpath("data.txt").read_text() == "data"


def test_a_module_run_as_a_program_is_not_told(
    recorder: Recorder, modules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is `__main__` then."""
    (modules / "library.py").write_text("print(__name__, __spec__.name, type(__loader__).__name__)")
    runpy.run_module("library", run_name="__main__", alter_sys=True)

    assert capsys.readouterr().out == "__main__ library SourceFileLoader\n"
    assert recorder.told == []


def test_a_lazy_module_is_told_when_it_executes(recorder: Recorder) -> None:
    spec = importlib.util.find_spec("library")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules["library"] = module
    spec.loader.exec_module(module)
    assert recorder.told == []

    assert module.defined == 1
    assert recorder.told == ["library"]
    assert "function" in recorder.states[0]


def test_modules_in_a_zip_file_are_told(recorder: Recorder, modules: Path) -> None:
    """One loader serves all modules of the file."""
    (modules / "library.py").unlink()
    with zipfile.ZipFile(modules / "archive.zip", "w") as archive:
        archive.writestr("library/__init__.py", "from . import other, part")
        archive.writestr("library/part.py", "x = 1")
        archive.writestr("library/other.py", "")
    sys.path.insert(0, str(modules / "archive.zip"))
    module = library()
    importlib.reload(module)

    assert recorder.told == ["library.part", "library", "library"]
    assert type(module.__loader__).__name__ == "zipimporter"


def test_extension_modules_are_told(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "_heapq", raising=False)
    module = importlib.import_module("_heapq")

    assert recorder.told == ["_heapq"]
    assert "heappush" in recorder.states[0]
    assert module.__spec__ is not None
    assert module.__loader__ is module.__spec__.loader
    assert not isinstance(module.__loader__, WatchedLoader)


@pytest.mark.parametrize(
    ("name", "loader"),
    [
        ("_stat", importlib.machinery.BuiltinImporter),
        ("__hello__", importlib.machinery.FrozenImporter),
    ],
)
def test_modules_whose_loader_is_a_class_are_told(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, name: str, loader: type
) -> None:
    monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module(name)

    assert recorder.told == [name]
    assert module.__spec__ is not None
    loaders: list[object] = [module.__spec__.loader, module.__loader__]
    assert loaders == [loader, loader]


def test_a_namespace_package_is_what_it_would_be(recorder: Recorder, modules: Path) -> None:
    (modules / "namespace").mkdir()
    module = importlib.import_module("namespace")

    assert list(module.__path__) == [str(modules / "namespace")]
    assert module.__file__ is None
    assert recorder.told == []


def test_a_module_that_fails_raises_what_it_raised(recorder: Recorder, modules: Path) -> None:
    (modules / "library.py").write_text("raise RuntimeError('its own')")
    with pytest.raises(RuntimeError, match="its own") as caught:
        library()
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert "library" not in sys.modules
    assert recorder.told == []

    (modules / "library.py").write_text("repaired = True")
    importlib.invalidate_caches()
    library()
    assert recorder.states == [["repaired"]]


def test_the_traceback_of_a_failing_module_is_what_it_would_be(
    recorder: Recorder, modules: Path
) -> None:
    (modules / "library.py").write_text("raise RuntimeError('its own')")

    def frames() -> list[str]:
        try:
            import library  # type: ignore[import-not-found]  # noqa: F401
        except RuntimeError as error:
            return [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        return []

    assert frames() == [__file__, str(modules / "library.py")]
    assert recorder.told == []


@pytest.mark.usefixtures("recorder")
def test_a_warning_of_a_module_is_put_on_who_imports_it(modules: Path) -> None:
    """Whether Python shows a DeprecationWarning depends on it."""
    (modules / "library.py").write_text(
        "import warnings; warnings.warn('old', DeprecationWarning, stacklevel=2)"
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import library  # noqa: F401

    assert [warning.filename for warning in caught] == [__file__]


def test_our_own_failure_stays_with_us(recorder: Recorder) -> None:
    recorder.failure = ValueError("ours")
    module = library()

    assert module.defined == 1
    assert ["ours" in str(error) for error in guard.ERRORS] == [True]
    guard.ERRORS.clear()


def test_threads_that_import_at_once_see_it_told(recorder: Recorder, modules: Path) -> None:
    (modules / "library.py").write_text("import time\ntime.sleep(0.02)\ndefined = 1")
    recorder.hook.functions["library"] = lambda name: setattr(sys.modules[name], "defined", 2)
    barrier = threading.Barrier(8)
    seen: list[int] = []

    def run() -> None:
        barrier.wait()
        seen.append(library().defined)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [2] * 8


def test_a_function_may_import_what_is_watched(recorder: Recorder, modules: Path) -> None:
    (modules / "namespace.py").write_text("")
    recorder.hook.functions["library"] = lambda _: importlib.import_module("namespace")
    library()

    assert recorder.told == ["namespace"]


class WrappingLoader:
    """As ddtrace's: a loader around another, which it does not call a loader."""

    def __init__(self, loader: Any, notes: list[str]) -> None:
        self.loader = loader
        self.notes = notes

    def create_module(self, spec: ModuleSpec) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        self.notes.append(module.__name__)


class SlottedLoader(WrappingLoader):
    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        if name == "exec_module":
            raise AttributeError(name)
        super().__setattr__(name, value)


class ProxyLoader:
    """As wrapt's: what is set on it is set on the loader that it stands for."""

    def __init__(self, loader: Any, notes: list[str]) -> None:
        def exec_module(module: ModuleType) -> None:
            loader.exec_module(module)
            notes.append(module.__name__)

        vars(self).update(loader=loader, exec_module=exec_module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.loader, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.loader, name)


class OtherFinder(importlib.abc.MetaPathFinder):
    """As ddtrace's and wrapt's: looks for the spec among all finders and wraps its loader."""

    def __init__(self, wrap: Callable[[Any, list[str]], Any]) -> None:
        self.wrap = wrap
        self.notes: list[str] = []
        self.searching = False

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if self.searching or name != "library":
            return None
        self.searching = True
        spec = importlib.util.find_spec(name)
        self.searching = False
        if spec is not None:
            spec.loader = self.wrap(spec.loader, self.notes)
        return spec


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("wrap", [WrappingLoader, SlottedLoader, ProxyLoader])
def test_other_hooks_work_before_and_after_ours(
    recorder: Recorder, position: int, wrap: Callable[[Any, list[str]], Any]
) -> None:
    other = OtherFinder(wrap)
    sys.meta_path.insert(position, other)
    module = library()

    assert recorder.told == other.notes == ["library"]
    assert type(module.__loader__) is wrap
    assert module.__spec__ is not None
    assert module.__spec__.loader is module.__loader__


@pytest.mark.parametrize("position", [0, 1])
def test_wrapts_own_hooks_work_before_and_after_ours(recorder: Recorder, position: int) -> None:
    importer: Any = importlib.import_module("wrapt.importer")
    told = []
    sys.meta_path.insert(position, importer.ImportHookFinder())
    importer._post_import_hooks["library"] = [lambda module: told.append(module.__name__)]
    library()

    assert recorder.told == told == ["library"]


def test_pytests_rewritten_modules_are_told(
    recorder: Recorder, modules: Path, request: pytest.FixtureRequest
) -> None:
    """One loader, which is also the finder, serves all of them."""
    (modules / "library.py").write_text("defined = 1\nassert defined")
    rewriting = AssertionRewritingHook(request.config)
    rewriting.mark_rewrite("library")
    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, AssertionRewritingHook)]
    sys.meta_path.insert(1, rewriting)
    module = library()
    importlib.reload(module)

    assert recorder.told == ["library", "library"]
    assert module.__loader__ is rewriting


@pytest.mark.usefixtures("recorder")
def test_functions_of_the_module_still_pickle() -> None:
    module = library()

    assert pickle.loads(pickle.dumps(module.function)) is module.function  # noqa: S301
