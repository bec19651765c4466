"""The record of a run: written and read back as an equal object, compared, damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from feature_files import recipe

from tcon.adapt.config.options import RunConfig, UnknownOptions
from tcon.adapt.config.runs import make_runs
from tcon.adapt.methods import Method, MethodConfig, names, register, temporary_methods
from tcon.adapt.run.data_record import DataRecord, DomainRecord, VideoCounts
from tcon.adapt.run.record import CONFIG, RunRecord, read_record, write_record
from tcon.cache import InputError
from tcon.cache.common.plugins import PluginRecord

DECIDED = "train.precision=fp32"  # `auto` is decided when a run begins


def domain(name: str) -> DomainRecord:
    return DomainRecord(path=f"{name}.h5", videos_sha256=name, labels={"jump": 0, "odd.label": 1})


DATA = DataRecord(
    source=domain("s"),
    target=domain("t"),
    protocol="inductive",
    task="toy",
    classes=("jump", "run"),
    backbone="net",
    weights="imagenet",
    mode="cached features",
    recipe=recipe(),
    videos=VideoCounts(source_train=5, source_val=1, target_train=4, target_test=2),
)


def record_of(run: RunConfig, **changes: object) -> RunRecord:
    return replace(RunRecord(run=run, data=DATA, tool_version="1"), **changes)


def write(folder: Path, record: RunRecord) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / CONFIG).write_bytes(write_record(record))
    return folder


@pytest.mark.parametrize("method", names())
def test_every_method_reads_back_as_it_was_written(tmp_path: Path, method: str) -> None:
    for run in make_runs([method], [DECIDED, "train.lr=0.01"], segments="4,6:4", seeds=2):
        record = record_of(run, command=("tcon", "adapt", "a b"))
        assert read_record(write(tmp_path / "run", record)) == record


def test_end_to_end_and_base_read_back(tmp_path: Path) -> None:
    settings = [DECIDED, "e2e.weights=random", "e2e.micro_batch=4"]
    (run,) = make_runs(["tcon"], settings, end_to_end=True)
    data = replace(DATA, mode="end to end", micro_batch=4)
    record = record_of(run, data=data)
    assert read_record(write(tmp_path / "run", record)) == record
    base, fitted = make_runs(["cmfglr"], [DECIDED])
    record = record_of(fitted, base=base.options)
    assert read_record(write(tmp_path / "run", record)) == record


def test_a_plug_in_is_no_tcon_for_its_name(tmp_path: Path) -> None:
    """TCoN's runs of before lack an option, which is put in; a plug-in need not have it."""
    with temporary_methods():
        register("tcon-mine", MethodConfig())(Method)
        (run,) = make_runs(["tcon-mine"], [DECIDED])
        record = record_of(run, plugins=(PluginRecord("mine.py", "0" * 64),))
        assert read_record(write(tmp_path / "run", record)) == record


def test_settings_are_those_of_the_command_line() -> None:
    (run,) = make_runs(["tcon"], ["tcon.pair.rule=topk", "train.lr=0.5"])
    settings = record_of(run).settings()
    assert settings["tcon.pair.rule"] == "topk" and settings["train.lr"] == 0.5
    again = make_runs(["tcon"], [f"{key}={value}" for key, value in settings.items()])
    assert again == [run]


def test_what_counts_tells_runs_apart() -> None:
    (run,) = make_runs(["tcon"])
    record = record_of(run)
    moved = replace(DATA, source=replace(DATA.source, path="elsewhere.h5"), recipe=None)
    assert record.differences(record_of(run, data=moved, command=("x",))) == []
    (other,) = make_runs(["tcon"], ["tcon.pair.topk=3", "train.lr=0.5"])
    both = [("tcon.pair.topk", 8, 3), ("train.lr", run.train.lr, 0.5)]
    assert record.differences(record_of(other)) == both
    data = replace(DATA, target=replace(DATA.target, videos_sha256="u"))
    assert record.differences(record_of(run, data=data)) == [("data.target.features", "t", "u")]
    unknown = replace(DATA, source=replace(DATA.source, labels=None), videos=None)
    assert record.differences(record_of(run, data=unknown)) == []
    plugins = (PluginRecord("mine.py", "1"),)
    assert [d.key for d in record.differences(record_of(run, plugins=plugins))] == ["plugins"]


def test_a_method_of_another_version_keeps_its_options(tmp_path: Path) -> None:
    content = json.loads(write_record(record_of(make_runs(["tcon"], [DECIDED])[0])))
    content["run"] |= {"method": "newer", "options": {"width": 3, "deep": {"x": [1]}}}
    (tmp_path / CONFIG).write_text(json.dumps(content))
    record = read_record(tmp_path)
    assert record.run.options == UnknownOptions(values={"width": 3, "deep": {"x": [1]}})
    assert record.settings()["newer.deep.x"] == (1,)
    assert read_record(write(tmp_path, record)) == record
    with pytest.raises(InputError, match="method newer is not known here: .* --plugin FILE"):
        record.require_method()


@pytest.mark.parametrize("options", [{"centre": True}, {"features": 512, "lambda_d": 1.0}])
def test_a_plugin_whose_methods_name_is_built_in_now_is_another_method(
    tmp_path: Path, options: dict[str, object]
) -> None:
    """Whether tcon's own method could read its options or not."""
    content = json.loads(write_record(record_of(make_runs(["coral"], [DECIDED])[0])))
    content["run"]["options"] = options
    content["plugins"] = [{"module": "/gone/mine.py", "sha256": "0" * 64}]
    (tmp_path / CONFIG).write_text(json.dumps(content))
    record = read_record(tmp_path)
    assert record.run.options == UnknownOptions(values=options) and record.registered is None
    assert read_record(write(tmp_path / "run", record)) == record
    message = r"of the plug-in /gone/mine\.py, whose method coral has the name of one of tcon's own"
    with pytest.raises(InputError, match=message):
        record.require_method()


def test_a_built_in_method_on_a_plugins_backbone_is_known(tmp_path: Path) -> None:
    backbone = replace(recipe(), plugin=PluginRecord("/gone/net.py", "0" * 64))
    (run,) = make_runs(["coral"], [DECIDED])
    record = record_of(run, data=replace(DATA, recipe=backbone))
    again = read_record(write(tmp_path, record))
    assert again == record and again.namesake == "" and again.registered is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": {"lr": -1}}, r"run\.train\.lr: must be greater than 0"),
        ({"options": {"tua": 1}}, "tua: "),
        ({"options": {"tau": "x"}}, "tau: must be a number"),
        ({"segments": {"source": 0, "target": 4}}, r"run\.segments\.source: "),
        ({"seed": None}, r"run\.seed: "),
        ({"train": {"precision": "fp64"}}, r"run\.train\.precision: must be"),
        ({"train": {"precision": "auto"}}, r"run\.train\.precision: must be fp32 or bf16"),
    ],
)
def test_a_wrong_value_is_named_by_its_key(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    content = json.loads(write_record(record_of(make_runs(["tcon"], [DECIDED])[0])))
    for key, value in change.items():
        content["run"][key] = content["run"][key] | value if isinstance(value, dict) else value
    (tmp_path / CONFIG).write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"config\.json is damaged \(.*{message}") as info:
        read_record(tmp_path)
    assert "\n" not in str(info.value)
