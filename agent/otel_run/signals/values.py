"""What an attribute's value may be."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Union

    Value = Union[  # noqa: UP007  a recursive alias cannot be written with | on 3.10
        str, bool, int, float, bytes, None, Sequence["Value"], Mapping[str, "Value"]
    ]
    Attributes = Mapping[str, Value]
