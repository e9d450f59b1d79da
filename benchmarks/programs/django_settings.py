"""The settings and URLs of the Django project in `django_request.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.urls import path

if TYPE_CHECKING:
    from django.http import HttpRequest

ALLOWED_HOSTS = ["*"]
DATABASES: dict[str, object] = {}
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "django_settings"
SECRET_KEY = "of a benchmark"  # noqa: S105  it protects nothing


def product(_: HttpRequest, number: int) -> HttpResponse:
    """Answer with what the route held."""
    return HttpResponse(f'{{"id": {number}}}', content_type="application/json")


urlpatterns = [path("products/<int:number>", product)]
