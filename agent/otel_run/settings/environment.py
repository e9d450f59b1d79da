"""The OTEL_ variables of a process, and what there is to complain about in them."""

from __future__ import annotations

from otel_run.settings.values import NotBuiltIn, is_pattern, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    Value = TypeVar("Value")

# What is used of a list with a part that cannot be.
REST = "the rest of it"


class Environment:
    """`given` holds the variables that are set, without the empty ones, which count as unset."""

    __slots__ = ("complaints", "given")

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.given: dict[str, str] = {}
        self.complaints: list[str] = []
        for name in environ:
            if name.startswith("OTEL_"):
                value = environ[name].strip()
                if value:
                    self.given[name] = value

    def first(
        self, names: tuple[str, ...], parse: Callable[[str], Value], default: str
    ) -> tuple[str, Value]:
        """The first of `names` that holds something usable, and its value; "" and the default."""
        for place, name in enumerate(names):
            if name in self.given:
                try:
                    return name, parse(self.given[name])
                except ValueError as problem:
                    self.complain(name, problem, self._next(names[place + 1 :], default))
        return "", parse(default)

    def read(self, names: tuple[str, ...], parse: Callable[[str], Value], default: str) -> Value:
        """As `first`, the value alone."""
        return self.first(names, parse, default)[1]

    def text(self, *names: str) -> str:
        """The first of `names` that is set, as it is; "" without any."""
        return next((self.given[name] for name in names if name in self.given), "")

    def flag(self, name: str) -> bool | None:
        """True only for `true`; None when unset."""
        value = self.given.get(name, "").lower()
        if value and value not in {"true", "false"}:
            self.complain(name, ValueError("neither true nor false"), "false")
        return value == "true" if value else None

    def choices(
        self, name: str, built_in: tuple[str, ...], default: tuple[str, ...]
    ) -> tuple[str, ...]:
        """The names listed in a variable; () for `none`. What is not built in is left out."""
        parts = listed(self.given.get(name, "").lower())
        if parts == ["none"]:
            return ()
        chosen = tuple(part for part in parts if part in built_in) or default
        if "none" in parts:
            self.complain(name, ValueError("none stands alone"), ",".join(chosen))
        elif any(part not in built_in for part in parts):
            self.complain(name, NotBuiltIn((*built_in, "none")), ",".join(chosen))
        return chosen

    def patterns(self, name: str, instead: str) -> tuple[str, ...]:
        """The names and regular expressions listed in a variable, without what is none.

        Where one is bad, all of it is replaced by `instead`, if there is that.
        """
        parts = listed(self.given.get(name, ""))
        usable = tuple(filter(is_pattern, parts))
        if len(usable) == len(parts):
            return usable
        place = next(place for place, part in enumerate(parts, 1) if part not in usable)
        problem = ValueError(f"part {place} is no regular expression")
        self.complain(name, problem, instead or (REST if usable else ""))
        return tuple(listed(instead)) or usable

    def complain(self, name: str, problem: ValueError, instead: str) -> None:
        """Say once that `instead` is used in the place of what `name` holds."""
        from otel_run.settings.complaint import compose

        line = compose(name, self.given[name], problem, instead)
        if line not in self.complaints:
            self.complaints.append(line)

    def check_names(self) -> None:
        """Complain of variables that look like misspellings of those that are known."""
        from otel_run.settings.names import KNOWN

        for name in self.given.keys() - KNOWN:
            from otel_run.settings.complaint import compose_unknown

            line = compose_unknown(name, KNOWN)
            if line:
                self.complaints.append(line)

    def _next(self, names: tuple[str, ...], default: str) -> str:
        return next((name for name in names if name in self.given), default)
