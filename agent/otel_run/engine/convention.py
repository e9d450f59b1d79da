"""What every semantic convention does: decide, describe, and see an operation to its end."""

from __future__ import annotations

from otel_run import __version__, settings
from otel_run.signals.description import Outcome, Scope
from otel_run.signals.metrics import Histogram

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from otel_run.engine.call import Call
    from otel_run.engine.forms import Recorder
    from otel_run.engine.operation import Operation
    from otel_run.signals.description import Description
    from otel_run.signals.values import Attributes

METERING = bool(settings.current().exporters["metrics"])

# Endings kept for one description; beyond them each call describes its own.
OUTCOME_LIMIT = 512


class Convention:
    """One semantic convention for one library: names, attributes, status, metric, suppression.

    A convention reads a call through the readers that an instrumentor gives it, and names no
    library. Conventions of one `name` suppress each other by layer.
    """

    name: str
    # Name, what it measures, boundaries in seconds; None for what is not measured.
    metric: tuple[str, str, tuple[float, ...]] | None = None

    layer = 0
    library: str
    recorder: Recorder  # that sees to this one
    scope: Scope
    duration: Histogram

    def bind(self, library: str, layer: int) -> None:
        """Take the place that the instrumentor gives: the scope's name, and the layer."""
        self.layer = layer
        self.library = library
        self.scope = Scope(f"otel_run_instrumentors.{library}", __version__)
        if self.metric is not None:
            name, what, boundaries = self.metric
            self.duration = Histogram(self.scope, name, "s", what, boundaries)

    def begin(self, call: Call) -> Operation | None:
        """Start to record the call; None when it must run untouched."""
        raise NotImplementedError

    def finish(self, operation: Any, call: Call, result: Any) -> None:
        """Record that the call came back."""
        raise NotImplementedError

    def fail(self, operation: Any, call: Call, error: BaseException) -> None:
        """Record that the exception left the call."""
        raise NotImplementedError

    def retract(self, operation: Any, error: BaseException) -> None:
        """Forget what was to be answered: the exception comes before anything of it."""

    def detail(self, operation: Any, detail: Any) -> None:
        """Add to an open operation what an inner layer knows."""
        raise NotImplementedError

    def known(self, operation: Any) -> Outcome | None:  # noqa: ARG002
        """Say what is known of the end of an open operation; it is in no series yet."""
        return None

    def conclude(
        self,
        description: Description,
        key: object,
        attributes: Attributes,
        status: int,
        name: str = "",
    ) -> Outcome:
        """Describe how an operation ends, for all that end like it."""
        series = None
        if METERING:
            series = self.duration.series_of({**description.facts, **attributes})
        outcome = Outcome(name or description.name, attributes, status, series)
        if len(description.outcomes) < OUTCOME_LIMIT:
            description.outcomes[key] = outcome
        return outcome
