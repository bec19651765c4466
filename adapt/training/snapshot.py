"""What a stored snapshot must look like: somebody may have changed the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor

# Options that every version of an optimiser has, and ours of each group.
_OPTIONS = {"params", "factor", "lr", "betas", "eps", "momentum", "weight_decay", "nesterov"}


def require_alike(found: Any, fresh: Any, name: str) -> None:
    """Require the types, names and shapes of what a run has before its first step.

    Args:
        found: what is stored.
        fresh: the same before the first step; tensors, plain values, and tables and lists of these.
        name: of it, for the message.

    Raises:
        ValueError: says what differs.
    """
    if isinstance(fresh, Tensor):
        require_tensor(found, tuple(fresh.shape), fresh.dtype, name)
    elif isinstance(fresh, Mapping):
        if not isinstance(found, dict) or found.keys() != fresh.keys():
            raise ValueError(f"{name} has other entries")
        for key, value in fresh.items():
            require_alike(found[key], value, f"{name}.{key}")
    elif isinstance(fresh, list | tuple):
        if type(found) is not type(fresh) or len(found) != len(fresh):
            raise ValueError(f"{name} is not a list of {len(fresh)}")
        for n, value in enumerate(fresh):
            require_alike(found[n], value, f"{name}.{n}")
    elif type(found) is not type(fresh):
        raise ValueError(f"{name} is no {type(fresh).__name__}")


def require_tensor(found: Any, shape: tuple[int, ...], dtype: torch.dtype, name: str) -> None:
    """Require a tensor of this shape and type.

    Raises:
        ValueError: it is another one.
    """
    if not isinstance(found, Tensor) or tuple(found.shape) != shape or found.dtype != dtype:
        raise ValueError(f"{name} is no {dtype} tensor of {list(shape)}")


def require_optimiser(found: Any, optimiser: torch.optim.Optimizer) -> None:
    """Require a state that the optimiser could have stored after some steps.

    Raises:
        ValueError: says what is wrong.
    """
    fresh = optimiser.state_dict()
    if not isinstance(found, dict) or found.keys() != fresh.keys():
        raise ValueError("the optimiser has other entries")
    groups, fresh_groups = found["param_groups"], fresh["param_groups"]
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise ValueError("optimiser.param_groups is no list of tables")
    if not all(fresh_groups[0].keys() & _OPTIONS <= group.keys() for group in groups):
        raise ValueError("optimiser.param_groups lack an option")
    # Another version of torch may know more or fewer of the others.
    common = [
        {key: g[key] for key in g if key in f} for g, f in zip(fresh_groups, groups, strict=True)
    ]
    known = [
        {key: g[key] for key in g if key in f} for g, f in zip(groups, fresh_groups, strict=True)
    ]
    require_alike(known, common, "optimiser.param_groups")
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    without_momentum = not optimiser.defaults.get("momentum", True)
    if not isinstance(found["state"], dict) or not found["state"].keys() <= {
        *range(len(parameters))
    }:
        raise ValueError("the optimiser has other parameters")
    names = _moments(optimiser)
    for n, moments in found["state"].items():
        if not isinstance(moments, dict) or moments.keys() != names:
            raise ValueError(f"optimiser.{n} has other entries")
        for key, value in moments.items():
            shape = () if key == "step" else tuple(parameters[n].shape)
            dtype = torch.float32 if key == "step" else parameters[n].dtype
            if value is not None or not without_momentum:
                require_tensor(value, shape, dtype, f"optimiser.{n}.{key}")


def _moments(optimiser: torch.optim.Optimizer) -> set[str]:
    """The names of what it keeps of each parameter after a step."""
    parameter = torch.zeros_like(optimiser.param_groups[0]["params"][0], requires_grad=True)
    parameter.grad = torch.zeros_like(parameter)
    like = type(optimiser)([parameter], **optimiser.defaults)
    like.step()
    return set(like.state[parameter])


def require_recorder(
    found: Any, *, step: int, evaluate_at: Collection[int], sets: Mapping[str, tuple[int, int]]
) -> None:
    """Require what a recorder could have stored after ``step`` steps.

    Args:
        found: what is stored.
        step: how many steps have been done.
        evaluate_at: after which steps is recorded.
        sets: by name of a set of videos the shape of its logits, (n, C).

    Raises:
        ValueError: says what is wrong.
    """
    steps = sorted(at for at in evaluate_at if at <= step)
    fresh = {"steps": steps, "count": 0, "logits": {}, "sums": {}}
    if not isinstance(found, dict) or found.keys() != fresh.keys():
        raise ValueError("recorder has other entries")
    if found["steps"] != steps or type(found["count"]) is not int:
        raise ValueError(f"recorder.steps are not those of a run after {step} steps")
    if found["count"] != step - (steps[-1] if steps else 0):
        raise ValueError(f"recorder.count is not that of a run after {step} steps")
    logits, sums = found["logits"], found["sums"]
    if not isinstance(logits, dict) or logits.keys() != (sets.keys() if steps else set()):
        raise ValueError("recorder.logits has other entries")
    for name, values in logits.items():
        shape = (len(steps), *sets[name])
        require_tensor(values, shape, torch.float32, f"recorder.logits.{name}")
    if not isinstance(sums, dict) or (not sums) != (not found["count"]):
        raise ValueError("recorder.sums has other entries")
    for name, value in sums.items():
        if not isinstance(name, str):
            raise ValueError("recorder.sums has a name that is no text")
        if type(value) not in (int, float):
            dtype = value.dtype if isinstance(value, Tensor) else torch.float32
            require_tensor(value, (), dtype, f"recorder.sums.{name}")
