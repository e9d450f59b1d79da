"""A project of Django's, whole in one module: settings, middleware, URLs and views."""

from __future__ import annotations

import threading
from io import BytesIO
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
    ],
    LOGGING_CONFIG=None,
    MIDDLEWARE=[
        f"{__name__}.Careful",
        "django.middleware.common.CommonMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",  # noqa: S106  it protects nothing
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    USE_TZ=True,
)
django.setup()

from django.contrib import admin  # noqa: E402  what needs settings
from django.core.exceptions import BadRequest, PermissionDenied  # noqa: E402
from django.core.handlers.base import BaseHandler  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import (  # noqa: E402
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    StreamingHttpResponse,
)
from django.test import AsyncClient, Client, RequestFactory  # noqa: E402
from django.urls import include, path, re_path  # noqa: E402
from django.views import View  # noqa: E402
from ninja import NinjaAPI  # noqa: E402
from rest_framework.renderers import JSONRenderer  # type: ignore[import-untyped]  # noqa: E402
from rest_framework.response import Response  # type: ignore[import-untyped]  # noqa: E402
from rest_framework.views import APIView  # type: ignore[import-untyped]  # noqa: E402

from contracts.http_server import MARKER, Unhandled  # noqa: E402
from otel_run.signals.context import CURRENT  # noqa: E402

# What the view `gated` waits for within its body.
GATE = threading.Event()
# What was found where bodies ended.
ENDED: list[str] = []


class Careful:
    """A middleware that refuses some requests, and some in a way that nobody takes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "refuse" in request.GET:
            raise Unhandled("refused")
        return response

    def process_exception(self, request: HttpRequest, _: Exception) -> HttpResponse | None:
        """Answer what a view has raised, where the request says so."""
        status = request.GET.get("answer")
        if status == "never":
            raise LookupError("while it was handled")
        return HttpResponse("sorry", status=int(status)) if status else None


def show_item(_: HttpRequest, item: int = 0) -> HttpResponse:
    """Answer with what was asked for."""
    return HttpResponse(f"item {item}")


async def show_item_later(_: HttpRequest, item: int) -> HttpResponse:
    """Answer as a coroutine."""
    return HttpResponse(f"item {item}")


class Item(View):
    """A view that is a class."""

    def get(self, _: HttpRequest, item: int) -> HttpResponse:
        """Answer."""
        return HttpResponse(f"item {item}")


def raising(error: Callable[[], Exception]) -> Callable[[HttpRequest], HttpResponse]:
    """A view that fails."""

    def fail(_: HttpRequest) -> HttpResponse:
        raise error()

    return fail


async def fail_later(_: HttpRequest) -> HttpResponse:
    """Fail as a coroutine."""
    raise Unhandled(f"with token={MARKER}")


def stream(_: HttpRequest) -> StreamingHttpResponse:
    """Answer in parts."""

    def parts() -> Iterator[bytes]:
        yield b"one"
        yield b"two"

    return StreamingHttpResponse(parts())


async def stream_later(_: HttpRequest) -> StreamingHttpResponse:
    """Answer in parts that are awaited."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    return StreamingHttpResponse(parts())


def stream_trace(_: HttpRequest) -> StreamingHttpResponse:
    """Answer with the id of the current trace, and note the one in which that ends."""

    def parts() -> Iterator[bytes]:
        node: Any = CURRENT.get()
        try:
            yield f"{node.trace_id:032x}".encode()
            yield b"two"
        finally:
            node = CURRENT.get()
            ENDED.append(f"{node.trace_id:032x}")

    return StreamingHttpResponse(parts())


class Parts:
    """Two parts, that know how often they were closed."""

    def __init__(self) -> None:
        self.parts = iter((b"one", b"two"))
        self.closed = 0

    def __iter__(self) -> Parts:
        return self

    def __next__(self) -> bytes:
        return next(self.parts)

    def close(self) -> None:
        """Count."""
        self.closed += 1
        ENDED.append(str(self.closed))


def stream_closed(_: HttpRequest) -> StreamingHttpResponse:
    """Answer with parts of another kind."""
    return StreamingHttpResponse(Parts())


def break_off(_: HttpRequest) -> StreamingHttpResponse:
    """Fail within the body."""

    def parts() -> Iterator[bytes]:
        yield b"one"
        raise Unhandled("in the middle")

    return StreamingHttpResponse(parts())


def gated(_: HttpRequest) -> StreamingHttpResponse:
    """Answer with a second part that the test allows."""

    def parts() -> Iterator[bytes]:
        yield b"one"
        GATE.wait(20)
        yield b"two"

    return StreamingHttpResponse(parts())


def give_file(_: HttpRequest) -> FileResponse:
    """Answer with a file."""
    return FileResponse(BytesIO(b"file" * 5000), filename="file.txt")


def trace_of(_: HttpRequest) -> HttpResponse:
    """Answer with the id of the current trace."""
    node: Any = CURRENT.get()
    return HttpResponse(f"{node.trace_id:032x}")


async def trace_later(_: HttpRequest) -> HttpResponse:
    """As a coroutine."""
    node: Any = CURRENT.get()
    return HttpResponse(f"{node.trace_id:032x}")


def ask_oneself(_: HttpRequest) -> HttpResponse:
    """Answer with what another view of the same project answers."""
    return HttpResponse(Client().get("/items/7/").content)


def hand_on(request: HttpRequest) -> HttpResponse:
    """Answer with the status codes of what else was asked for, each by the same handler."""
    handler = BaseHandler()
    handler.load_middleware()
    targets = request.GET.getlist("target")
    answers = [handler.get_response(RequestFactory().get(target)) for target in targets]
    return HttpResponse(" ".join(str(answer.status_code) for answer in answers))


def measure(request: HttpRequest) -> HttpResponse:
    """Answer with the length of what was sent."""
    return HttpResponse(str(len(request.body)))


class Restful(APIView):  # type: ignore[misc]  # whose types nobody knows
    """A view of Django REST framework, that answers what it has raised."""

    authentication_classes = permission_classes = ()
    renderer_classes = (JSONRenderer,)

    def get(self, _: Any) -> Response:
        """Fail."""
        raise Unhandled(f"with token={MARKER}")

    def get_exception_handler(self) -> Callable[[Exception, Any], Response]:
        """Give what makes an answer of an exception."""
        return lambda *_: Response("sorry", status=int(self.request.GET["answer"]))


ninja = NinjaAPI()


@ninja.get("/fail")
def fail_in_ninja(request: HttpRequest) -> None:
    """Fail in a view of Django Ninja."""
    raise Unhandled(f"at {request.path} with token={MARKER}")


@ninja.exception_handler(Unhandled)
def answer_in_ninja(request: HttpRequest, _: Exception) -> HttpResponse:
    """Answer what was raised."""
    return HttpResponse("sorry", status=int(request.GET["answer"]))


urlpatterns = [
    path("", show_item),
    path("items/<int:item>/", show_item),
    path("later/<int:item>", show_item_later),
    path("class/<int:item>", Item.as_view()),
    re_path(r"^old/(?P<item>[0-9]+)$", show_item),
    path("shop/", include([path("carts/<slug:item>", show_item), re_path("^x+$", show_item)])),
    path("fail", raising(lambda: Unhandled(f"with token={MARKER}"))),
    path("fail-later", fail_later),
    path("missing", raising(Http404)),
    path("denied", raising(PermissionDenied)),
    path("bad", raising(BadRequest)),
    path("stream", stream),
    path("stream-later", stream_later),
    path("stream-trace", stream_trace),
    path("stream-closed", stream_closed),
    path("break-off", break_off),
    path("gated", gated),
    path("file", give_file),
    path("trace", trace_of),
    path("trace-later", trace_later),
    path("oneself", ask_oneself),
    path("hand-on", hand_on),
    path("length", measure),
    path("restful", Restful.as_view()),
    path("ninja/", ninja.urls),
    path("admin/", admin.site.urls),
]


def as_wsgi() -> Any:
    """The project as servers are given it."""
    return get_wsgi_application()


def client() -> Any:
    """A client that gets what servers send, also of views that fail."""
    return Client(raise_request_exception=False)


def async_client() -> Any:
    """As well, for coroutines."""
    return AsyncClient(raise_request_exception=False)
