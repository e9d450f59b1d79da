"""Attributes as OTLP's KeyValue messages, whatever their values are (common/v1/common.proto)."""

from __future__ import annotations

from _collections_abc import Mapping, Sequence
from _struct import pack

from otel_run.export.protobuf import field, utf8, varint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    # Encoded fields by the type of the value, the key, and the value.
    Known = dict[type, dict[str, dict[object, bytes]]]

# Beyond these a value is cut, so that one that contains itself, or shares its parts, ends.
MAX_DEPTH = 8
MAX_PARTS = 10_000

TOO_DEEP = "(nested too deep)"

# What a cache keeps: so many encoded fields, none of more bytes than that.
CACHE_SIZE = 1024
CACHED_SIZE = 192

# Fields of AnyValue.
_TEXT: Final = b"\x0a"
_BOOL: Final = {True: b"\x10\x01", False: b"\x10\x00"}
_INT: Final = b"\x18"
_DOUBLE: Final = b"\x21"
_ARRAY: Final = b"\x2a"
_MAP: Final = b"\x32"
_BYTES: Final = b"\x3a"

# Fields of KeyValue, ArrayValue and KeyValueList.
_KEY: Final = b"\x0a"
_VALUE: Final = b"\x12"
_ELEMENT: Final = b"\x0a"

_INT64 = 1 << 63

# In bits; a program may have Python refuse to write more than 640 decimal digits.
_LONGEST_DECIMAL = 2048
_UINT64_MASK = (1 << 64) - 1


class AttributeEncoder:
    """Encodes attributes as fields of one tag, texts cut to `length_limit` characters.

    An encoder belongs to one thread.
    """

    def __init__(self, tag: bytes, length_limit: int | None) -> None:
        self._tag = tag
        self._limit = length_limit
        self._keys: dict[str, bytes] = {}
        # By type, since 1, 1.0 and True are the same key to a dictionary, as 0.0 and -0.0 are.
        self.known: Known = {str: {}, int: {}, bool: {}}
        self._count = 0

    def fields(self, attributes: Mapping[str, object]) -> bytes:
        """Return the fields of all these attributes."""
        return b"".join([self.field(key, value) for key, value in attributes.items()])

    def fields_once(self, attributes: Mapping[str, object]) -> bytes:
        """Return the fields of attributes that are encoded for good, and past the cache."""
        return b"".join([self._encode(key, value) for key, value in attributes.items()])

    def field(self, key: str, value: object) -> bytes:
        """Return the field of one attribute, from the cache where it is there."""
        try:
            return self.known[type(value)][key][value]
        except KeyError:
            return self.add(key, value)

    def add(self, key: str, value: object) -> bytes:
        """Return the field of one attribute that the cache does not have."""
        encoded = self._encode(key, value)
        cache = self.known.get(type(value))
        if cache is not None and len(encoded) <= CACHED_SIZE:
            if self._count >= CACHE_SIZE:
                self._forget()
            cache.setdefault(key, {})[value] = encoded
            self._count += 1
        return encoded

    def _forget(self) -> None:
        self._count = 0
        for cache in self.known.values():
            for fields in cache.values():
                fields.clear()  # an encoder of spans may hold on to them
            cache.clear()

    def _encode(self, key: str, value: object) -> bytes:
        if type(value) is str:
            content = field(_TEXT, utf8(value[: self._limit]))
        elif type(value) is float:
            content = _DOUBLE + pack("<d", value)
        else:
            content = _Value(self._limit).encode(value, 0)
        return field(self._tag, (self._keys.get(key) or self._key(key)) + field(_VALUE, content))

    def _key(self, key: str) -> bytes:
        encoded = _key(key)
        if len(encoded) <= CACHED_SIZE:
            if len(self._keys) >= CACHE_SIZE:
                self._keys.clear()
            self._keys[key] = encoded
        return encoded


class _Value:
    """One attribute's value while it is encoded, with what is left of its allowance of parts."""

    __slots__ = ("_left", "_limit")

    def __init__(self, length_limit: int | None) -> None:
        self._limit = length_limit
        self._left = MAX_PARTS

    def encode(self, value: object, depth: int) -> bytes:
        """Return the AnyValue message; never fails."""
        try:
            return self._encode(value, depth)
        except Exception:  # the value may be any object, with any mistake in it
            return self._text(f"(unreadable {type(value).__name__})")

    def _encode(self, value: object, depth: int) -> bytes:  # noqa: PLR0911  one a type
        if isinstance(value, str):
            return self._text(value)
        if value is None:
            return b""
        if isinstance(value, bool):
            return _BOOL[value]
        if isinstance(value, int):
            return self._int(value)
        if isinstance(value, float):
            return _DOUBLE + pack("<d", value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return field(_BYTES, bytes(value)[: self._limit])
        if isinstance(value, (Mapping, Sequence)):
            return self._nested(value, depth)
        return self._text(str(value))

    def _text(self, text: str) -> bytes:
        return field(_TEXT, utf8(text[: self._limit]))

    def _int(self, number: int) -> bytes:
        if -_INT64 <= number < _INT64:
            return _INT + varint(number & _UINT64_MASK)
        long = number.bit_length() > _LONGEST_DECIMAL
        return self._text(hex(number) if long else int.__repr__(number))

    def _nested(self, value: Mapping[object, object] | Sequence[object], depth: int) -> bytes:
        if depth >= MAX_DEPTH:
            return self._text(TOO_DEEP)
        if isinstance(value, Mapping):
            return field(_MAP, self._pairs(value, depth + 1))
        return field(_ARRAY, self._elements(value, depth + 1))

    def _pairs(self, value: Mapping[object, object], depth: int) -> bytes:
        pairs = []
        for key, inner in value.items():
            if self._left <= 0:
                break
            self._left -= 1
            pairs.append(field(_ELEMENT, _key(key) + field(_VALUE, self.encode(inner, depth))))
        return b"".join(pairs)

    def _elements(self, value: Sequence[object], depth: int) -> bytes:
        elements = []
        for inner in value:
            if self._left <= 0:
                break
            self._left -= 1
            elements.append(field(_ELEMENT, self.encode(inner, depth)))
        return b"".join(elements)


def _key(key: object) -> bytes:
    """Return the `KeyValue.key` field; a program may use any object as a mapping's key."""
    try:
        return field(_KEY, utf8(key if isinstance(key, str) else str(key)))
    except Exception:
        return field(_KEY, utf8(f"(unreadable {type(key).__name__})"))
