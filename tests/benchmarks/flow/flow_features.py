"""What differences of flow do to features.

``python tests/benchmarks/flow/flow_features.py VIDEOS``

For some clips the flow features by the engine ``cpu``, by OpenCV, and by OpenCV after one grey
level more on one pixel of every first frame: cosine of each stack's features to OpenCV's (mean,
smallest) and of their mean over the clip, and the difference in levels.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import torch
from bench_flow import read_items
from torch import Tensor

from tcon.cache.recipe import Sampling
from tcon.extract.features.options import ExtractOptions
from tcon.extract.features.plan import Plan
from tcon.extract.flow import fields
from tcon.extract.flow.cutting import FlowCut
from tcon.extract.flow.tvl1 import Flows, tvl1_flows
from tcon.extract.machine.devices import Devices
from tcon.extract.machine.machine import Machine
from tcon.extract.snippets.reading import Reading, read_snippets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", help="list or folder")
    parser.add_argument("--root")
    parser.add_argument("--clips", type=int, default=3)
    parser.add_argument("--snippets", type=int, default=4)
    options = parser.parse_args()
    sampling = Sampling("uniform", options.snippets)
    how = ExtractOptions(modalities=("flow",), sampling=sampling, precision="fp32")
    plan = Plan.make(how, Machine(device="cpu"))
    cut = plan.cuts["flow"]
    with Devices(plan.backbones, plan.devices, torch.float32) as devices:
        for item in read_items(options, options.clips):
            opencv = _stacks(str(item.path), replace(cut, engine="opencv"))
            others = {"cpu": _stacks(str(item.path), cut)}
            fields.tvl1_flows = _one_pixel_brighter
            others["opencv, 1 pixel brighter"] = _stacks(
                str(item.path), replace(cut, engine="opencv")
            )
            fields.tvl1_flows = tvl1_flows
            reference = devices.submit("flow", opencv).result().features  # [n, D]
            for name, stacks in others.items():
                features = devices.submit("flow", stacks).result().features
                cosine = torch.cosine_similarity(features, reference)  # [n]
                clip = torch.cosine_similarity(features.mean(0), reference.mean(0), dim=0)
                levels = (stacks.float() - opencv.float()).abs().mean()
                print(
                    f"{item.id}: {name}: cosine {cosine.mean():.4f}, smallest "
                    f"{cosine.min():.4f}, of the clip {clip:.4f}; levels {levels:.3f}",
                    flush=True,
                )


def _stacks(path: str, cut: FlowCut) -> Tensor:
    *chunks, _ = read_snippets(path, "v", Reading({"flow": cut}))
    return torch.cat([chunk.snippets for chunk in chunks]).flatten(0, 1)


def _one_pixel_brighter(first: Tensor, second: Tensor, **options: object) -> Flows:
    first = first.clone()
    middle = first[:, first.shape[1] // 2, first.shape[2] // 2]
    middle += (middle < 255).to(torch.uint8)
    return tvl1_flows(first, second, **options)


if __name__ == "__main__":
    main()
