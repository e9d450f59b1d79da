"""Which traces are recorded (the specification's trace/sdk.md, "Built-in samplers")."""

from __future__ import annotations

# The bits of a trace id that are random (W3C Trace Context Level 2), and the number of their
# values. Taking these, against a threshold below which traces are rejected, is what
# trace/tracestate-probability-sampling.md asks for: services decide alike, and whoever samples
# more has all that others have.
RANDOMNESS = (1 << 56) - 1
VALUES = 1 << 56


class Sampler:
    """A sampler as data: a trace is taken if its randomness reaches `threshold`."""

    __slots__ = ("follows_parent", "threshold")

    def __init__(self, ratio: float, *, follows_parent: bool) -> None:
        self.threshold = VALUES - round(ratio * VALUES)
        self.follows_parent = follows_parent

    def root(self, trace_id: int) -> bool:
        """Whether a trace that begins here is recorded; an operation sees that by itself."""
        return trace_id & RANDOMNESS >= self.threshold

    def child(self, parent_sampled: bool, trace_id: int) -> bool:  # noqa: FBT001
        """Whether a span below another is recorded, be that a remote one or not."""
        return parent_sampled if self.follows_parent else self.root(trace_id)


def sampler(name: str, ratio: float) -> Sampler:
    """The sampler of a name that OTEL_TRACES_SAMPLER may hold; `ratio` is from 0 to 1."""
    kind = name.removeprefix("parentbased_")
    if kind == "always_off":
        ratio = 0.0
    elif kind == "always_on":
        ratio = 1.0
    return Sampler(ratio, follows_parent=kind != name)
