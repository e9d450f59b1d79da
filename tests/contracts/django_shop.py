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
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import (  # noqa: E402
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    StreamingHttpResponse,
)
from django.test import AsyncClient, Client  # noqa: E402
from django.urls import include, path, re_path  # noqa: E402
from django.views import View  # noqa: E402

from contracts.http_server import MARKER, Unhandled  # noqa: E402
from otel_run.signals.context import CURRENT  # noqa: E402

# What the view `gated` waits for within its body.
GATE = threading.Event()


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


def measure(request: HttpRequest) -> HttpResponse:
    """Answer with the length of what was sent."""
    return HttpResponse(str(len(request.body)))


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
    path("break-off", break_off),
    path("gated", gated),
    path("file", give_file),
    path("trace", trace_of),
    path("trace-later", trace_later),
    path("oneself", ask_oneself),
    path("length", measure),
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
