"""botocore, and boto3 upon it: one client span per `URLLib3Session.send`, hence one per attempt.

Each attempt is signed before, and what is added then is not part of the signature.
"""

from __future__ import annotations

from otel_run.engine import Call, Instrumentor
from otel_run.engine.http_client import HttpClient
from otel_run.engine.replica import replica

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

    from otel_run.engine.http_client import HttpRequest, HttpResponse


def read_request(call: Call) -> HttpRequest:
    request: AWSPreparedRequest = call.arg(0, "request")
    # `ttl=…; attempt=2; max=5`, from 1.25 on
    told = str(request.headers.get("amz-sdk-request", ""))
    attempt = told.partition("attempt=")[2].partition(";")[0]
    resends = int(attempt) - 1 if attempt.isdigit() else 0
    return request.method, request.url, request.headers.items, resends


def read_response(response: AWSResponse) -> HttpResponse:
    version: int = getattr(response.raw, "version", 0)
    return response.status_code, version, response.headers.items, None, 0


def write_headers(call: Call, headers: Mapping[str, str]) -> None:
    request: AWSPreparedRequest = replica(call.arg(0, "request"))
    request.headers = request.headers.copy()  # type: ignore[attr-defined]
    for name, value in headers.items():
        request.headers[name] = value
    call.replace(0, "request", request)


INSTRUMENTOR = Instrumentor(
    library="botocore",
    versions=">=1.23",
    convention=HttpClient(read_request, read_response, write_headers),
    layer=3,
    targets=("botocore.httpsession:URLLib3Session.send",),
)
