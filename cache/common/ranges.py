"""The ranges that options have, by name: a field's type says which values make sense."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

# No number of things is larger; beyond 64 bits torch and HDF5 fail in ways of their own.
Count = Annotated[int, Field(ge=1, le=10**9)]
Whole = Annotated[int, Field(ge=0, le=2**53)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
SomeShare = Annotated[float, Field(gt=0, lt=1)]  # neither none nor all
BelowOne = Annotated[float, Field(ge=0, lt=1)]  # of dropout, momentum, a share that is kept back
