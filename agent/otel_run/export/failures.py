"""Why sending failed, in words for the user, with advice where there is some."""

from __future__ import annotations

from otel_run.export.replies import read_reason
from otel_run.export.reply_reader import NotHttpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from otel_run.export.reply_reader import Reply

HEADERS = "are OTEL_EXPORTER_OTLP_HEADERS right?"
HOST = "is the host of OTEL_EXPORTER_OTLP_ENDPOINT right?"
PATH = "is the path of OTEL_EXPORTER_OTLP_ENDPOINT right?"
BATCH = "is OTEL_BSP_MAX_EXPORT_BATCH_SIZE too large?"
REDIRECT = "redirects are not followed"
ADVICE: Final = {401: HEADERS, 403: HEADERS, 404: PATH, 405: PATH, 413: BATCH}
REDIRECTS: Final = range(300, 400)
# What OpenSSL's versions call the beginning of an answer in the clear.
NOT_TLS: Final = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")


def of_reply(reply: Reply) -> str:
    """Say what a reply other than success means."""
    reason = read_reason(reply.body)
    advice = REDIRECT if reply.status in REDIRECTS else ADVICE.get(reply.status)
    words = [f"HTTP {reply.status}", reason and f": {reason}", advice and f" ({advice})"]
    return "".join(filter(None, words))


def of_error(error: Exception, url: str) -> str:
    """Say why no reply came from there."""
    import _socket

    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused (is a collector running there?)"
    if isinstance(error, ConnectionError):
        doubt = " (is it a port for https://?)" if url.startswith("http:") else ""
        return f"the connection was closed without an answer{doubt}"
    if isinstance(error, NotHttpError):
        return "the answer is not HTTP (is it a port for gRPC? only http/protobuf is spoken)"
    words = str(getattr(error, "strerror", None) or error or type(error).__name__)
    if isinstance(error, _socket.gaierror):
        return f"{words} ({HOST})"
    return of_tls(error) or words


def of_tls(error: Exception) -> str:
    """Say why no secure connection came about; "" where the error is no such one."""
    if getattr(error, "reason", "") in NOT_TLS:
        return "the answer is not TLS (is it http:// instead of https://?)"
    verdict = getattr(error, "verify_message", "")
    return verdict and f"{verdict} (OTEL_EXPORTER_OTLP_CERTIFICATE says whom to trust)"
