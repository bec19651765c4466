"""Plug-ins: found, run once, recorded; their errors are one line."""

import hashlib
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from tcon.cache import InputError
from tcon.cache.common import plugins
from tcon.cache.common.plugins import (
    PluginRecord,
    current_plugin,
    forget_plugin,
    load_entry_points,
    load_plugin,
    require_plugin,
)


def test_a_file_is_run_once_and_knows_what_it_is(tmp_path):
    file = tmp_path / "mine.py"
    counter = tmp_path / "runs.txt"
    file.write_text(f"open({str(counter)!r}, 'a').write('run ')\n")
    record = load_plugin(file)
    assert record.module == str(file) and len(record.sha256) == 64
    assert load_plugin(str(file)) == record and counter.read_text() == "run "
    file.write_text(file.read_text() + "# other\n")
    assert load_plugin(file).sha256 != record.sha256 and counter.read_text() == "run run "


def test_what_a_plugin_registers_is_attributed_to_it(tmp_path):
    file = tmp_path / "asks.py"
    lines = ["from tcon.cache.common.plugins import current_plugin", "seen = current_plugin()"]
    file.write_text("\n".join(lines))
    record = load_plugin(file)
    module = sys.modules[f"tcon_plugin_{record.sha256[:16]}"]
    assert module.seen == record and current_plugin() is None


def test_a_module_is_imported_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "a_module_of_mine.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    record = load_plugin("a_module_of_mine")
    assert record.module == "a_module_of_mine" and sys.modules["a_module_of_mine"].value == 1
    require_plugin(record)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\ny = 1 / 0\n", r"mine.py, line 2: ZeroDivisionError: division by zero"),
        ("x = 1\n\nif x\n", r"mine.py, line 3: expected ':'"),
        ("def f():\n    raise ValueError('two\\nlines')\nf()\n", r"line 2: ValueError: two lines"),
        ("import no_such_module_at_all\n", r"line 1: ModuleNotFoundError"),
        ("raise SystemExit(3)\n", r"line 1: SystemExit: 3"),
    ],
)
def test_errors_are_one_line_with_the_line_number(tmp_path, source, message):
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(InputError, match=message) as info:
        load_plugin(tmp_path / "mine.py")
    assert "\n" not in str(info.value)


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="no plug-in .*gone.py"):
        load_plugin(tmp_path / "gone.py")
    with pytest.raises(InputError, match="no module no.such.module to import"):
        load_plugin("no.such.module")


def test_a_recorded_plugin_is_not_run_by_itself(tmp_path):
    file, counter = tmp_path / "mine.py", tmp_path / "runs.txt"
    file.write_text(f"open({str(counter)!r}, 'a').write('run ')\n")
    record = load_plugin(file)
    require_plugin(record)  # it has been run: nothing to do
    forget_plugin(record)
    with pytest.raises(InputError, match="mine.py is needed: if you trust it, .*--plugin FILE"):
        require_plugin(record)
    file.write_text("VALUE = 2\n")
    with pytest.raises(InputError, match="is needed and has changed since: .*--plugin FILE"):
        require_plugin(record)
    file.unlink()
    with pytest.raises(InputError, match="is needed and is gone: .*--plugin FILE"):
        require_plugin(record)
    assert counter.read_text() == "run "


PACKAGE = """
from torch import nn
from tcon.adapt.methods import MethodConfig, register
from tcon.adapt.methods.source_only import SourceOnly, SourceOnlyConfig
from tcon.extract.backbones import names, register as register_backbone
names()  # which loads the entry points

@register("theirs", SourceOnlyConfig())
class Theirs(SourceOnly):
    pass

@register_backbone(name="their_net", dim=3, layer="pool")
def build():
    return nn.Flatten()
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", ["their_package", "tcon.adapt.methods"])
def test_a_package_is_recorded_whichever_is_imported_first(tmp_path, first):
    """Imported before tcon, it is only half there when its own entry point is loaded."""
    (tmp_path / "their_package.py").write_text(PACKAGE)
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: their-package\nVersion: 1.0\n")
    groups = ("tcon.methods", "tcon.backbones")
    points = [f"[{group}]\nx = their_package\n" for group in groups]
    (info / "entry_points.txt").write_text("".join(points))
    code = (
        f"import sys; sys.path.insert(0, '.'); import {first}\n"
        "from tcon.adapt.methods import entry; from tcon.extract.backbones import get_spec\n"
        "for found in (entry('theirs'), get_spec('their_net')):\n"
        "    print(found.plugin.module, found.plugin.sha256)\n"
        "assert entry('tcon').plugin is get_spec('resnet101').plugin is None"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    sha256 = hashlib.sha256(PACKAGE.encode()).hexdigest()
    assert run.stdout == f"their_package {sha256}\n" * 2, run.stderr


def test_nothing_is_imported_to_look_for_a_recorded_module(tmp_path, monkeypatch):
    package, trace = tmp_path / "a_strange_package", tmp_path / "trace"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(trace)!r}, 'w')\n")
    (package / "inner.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="a_strange_package.inner is needed: .*--plugin FILE"):
        require_plugin(PluginRecord("a_strange_package.inner", "0" * 64))
    assert not trace.exists()


def test_a_broken_entry_point_is_a_warning_that_names_its_package(tmp_path, monkeypatch, caplog):
    (tmp_path / "sound_entry.py").write_text("value = 1\n")
    (tmp_path / "broken_entry.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)

    class Package:
        name = "their-package"

    def of_group(group):
        points = [EntryPoint(n, f"{n}_entry", group) for n in ("broken", "sound")]
        return [point._for(Package()) for point in points]

    monkeypatch.setattr(plugins, "entry_points", lambda *, group: of_group(group))
    load_entry_points("tcon.tests")
    assert sys.modules["sound_entry"].value == 1
    assert "Left out broken of their-package" in caplog.text
    assert "line 1: ZeroDivisionError" in caplog.text
