"""Train a run end to end with tiny backbones: alone, or one of the processes of ``torchrun``.

    python -m torch.distributed.run --nproc-per-node 2 \\
        tests/helpers/train_together.py S.h5 T.h5 RUNS KEY=VALUE ...
"""

from __future__ import annotations

import sys
from pathlib import Path

from prepared_runs import prepare
from tiny_backbones import tiny_backbones

from tcon.adapt.config.runs import make_runs
from tcon.adapt.end_to_end.decoding import Decoding
from tcon.adapt.grid import run_all

if __name__ == "__main__":
    source, target, output, *settings = sys.argv[1:]
    with tiny_backbones():
        runs = make_runs(["tcon"], settings, segments=3, end_to_end=True)
        prepared = prepare(
            Path(source), Path(target), runs, output, device="cpu", decoding=Decoding(workers=0)
        )
        sys.exit(run_all(prepared))
