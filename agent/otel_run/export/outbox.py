"""One signal's requests on their way to its endpoint (opentelemetry-proto, docs/specification.md).

What fails for a reason that passes is sent again, until its time is over. Nothing here sleeps:
when to try again is kept, and returned.
"""

from __future__ import annotations

from _random import Random

from otel_run import notice
from otel_run.export import failures
from otel_run.export.replies import read_rejection
from otel_run.export.transport import Interrupted, Transport
from otel_run.figures import tell_count
from otel_run.native import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from typing import Final

    from otel_run.export.reply_reader import Reply
    from otel_run.settings import Endpoint
else:
    from _collections import deque

# Bytes of requests that may wait; less than that, and one more is taken.
ROOM = 4 << 20

# Seconds: the first pause after a failure, the longest one, and the longest that a server may ask
# for. Each pause is twice the one before, and up to a fifth longer or shorter by chance.
FIRST_PAUSE, LONGEST_PAUSE, LONGEST_WISH = 1.0, 16.0, 60.0
JITTER = 0.2

# Seconds of sending before the export thread has its turn to look after the queue.
TURN = 0.2

RECORDS: Final = {"traces": "span", "metrics": "metric export", "logs": "log record"}

OK: Final = range(200, 300)
RETRYABLE: Final = frozenset({429, 502, 503, 504})


class Request:
    """A payload of `count` records, and when to give it up, known from the first attempt on."""

    __slots__ = ("count", "expires", "payload")

    def __init__(self, payload: bytes, count: int) -> None:
        self.payload = payload
        self.count = count
        self.expires: float | None = None


class Outbox:
    """Sends requests in their order, each for at most `patience` seconds (None: for ever).

    `dropped` and `delivered` count records.
    """

    def __init__(self, signal: str, endpoint: Endpoint, patience: float | None) -> None:
        self.signal = signal
        self.transport = Transport(endpoint)
        # What follows the question mark may be a secret.
        self._url = endpoint.url.partition("?")[0]
        self._patience = patience
        self.forget()

    def forget(self) -> None:
        """Have nothing to send, and no history."""
        self._requests: deque[Request] = deque()
        self._size = 0
        self._failures = 0
        self._due = 0.0
        self._random = Random()
        self.dropped = 0
        self.delivered = 0

    @property
    def has_room(self) -> bool:
        """Whether another request would be taken."""
        return self._size < ROOM

    @property
    def is_empty(self) -> bool:
        """Whether nothing is waiting."""
        return not self._requests

    def add(self, payload: bytes, count: int) -> None:
        """Take over a payload, or drop it where there is no room."""
        if self.has_room:
            self._requests.append(Request(payload, count))
            self._size += len(payload)
        else:
            self._count_dropped(count, "too much is waiting already")

    def pump(self, now: float) -> float | None:
        """Send what is due at `now`; return when to come again, None when all is sent.

        Raises Interrupted, with nothing lost.
        """
        until = now + TURN
        while self._requests:
            if now < self._due:
                return self._due
            if now > until:
                return now
            self._attempt(self._requests[0], now, None)
            now = max(now, time.monotonic())
        return None

    def finish(self, deadline: float) -> None:
        """Give every request one attempt before the deadline, and forget those that fail."""
        try:
            while self._requests and time.monotonic() < deadline:
                self._attempt(self._requests[0], time.monotonic(), deadline)
        except Interrupted:
            pass
        if self._requests:
            self._drop(len(self._requests), "there was no time left")

    def _attempt(self, request: Request, now: float, deadline: float | None) -> None:
        if request.expires is None and self._patience is not None:
            request.expires = now + self._patience
        limits = [limit for limit in (request.expires, deadline) if limit is not None]
        try:
            reply = self.transport.send(request.payload, min(limits, default=None))
        except Interrupted:
            raise
        except Exception as error:
            self._fail(request, failures.of_error(error, self._url), now, deadline)
        else:
            self._take_reply(request, reply, now, deadline)

    def _take_reply(
        self, request: Request, reply: Reply, now: float, deadline: float | None
    ) -> None:
        if reply.status in OK:
            self._succeed(request, reply)
        elif reply.status in RETRYABLE:
            self._fail(request, failures.of_reply(reply), now, deadline, reply.retry_after)
        else:
            self._drop(1, failures.of_reply(reply))

    def _succeed(self, request: Request, reply: Reply) -> None:
        self._failures, self._due = 0, 0.0
        rejection = read_rejection(reply.body, request.count)
        self._remove()
        self.delivered += request.count - rejection.count
        if rejection.count:
            self._count_dropped(
                rejection.count, f"rejected: {rejection.message or 'no reason given'}"
            )
        elif rejection.message:
            notice.complain(self.signal, f"{self._url} warns: {rejection.message}")

    def _fail(
        self,
        request: Request,
        why: str,
        now: float,
        deadline: float | None,
        retry_after: float | None = None,
    ) -> None:
        self._failures += 1
        self._due = max(now, time.monotonic()) + self._pause(retry_after)
        expired = request.expires is not None and self._due > request.expires
        if expired or deadline is not None:
            self._drop(1, why)
        else:
            notice.complain(self.signal, self._line(f"{why}; trying again"))

    def _pause(self, retry_after: float | None) -> float:
        pause = min(FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10), LONGEST_PAUSE)
        pause *= 1 + JITTER * (2 * self._random.random() - 1)
        return max(pause, min(retry_after or 0.0, LONGEST_WISH))

    def _drop(self, requests: int, why: str) -> None:
        self._count_dropped(sum(self._remove() for _ in range(requests)), why)

    def _remove(self) -> int:
        """Take the oldest request out; return how many records it has."""
        request = self._requests.popleft()
        self._size -= len(request.payload)
        return request.count

    def _count_dropped(self, count: int, why: str) -> None:
        self.dropped += count
        line = self._line(f"{why}; {tell_count(self.dropped, RECORDS[self.signal])} dropped so far")
        notice.complain_of_loss(self.signal, line)

    def _line(self, what: str) -> str:
        return f"cannot send {self.signal} to {self._url}: {what}"
