"""A site of a few pages, so that starting and stopping can be tested without the whole application."""

import os
import threading
import time
from collections.abc import Iterator

os.environ["WHATSFLOW_NO_DOTENV"] = "1"

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from whatsflow.settings import *  # noqa: F403

ROOT_URLCONF = "tests.runtime.site"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]


def _livez(request: HttpRequest) -> HttpResponse:
    from whatsflow import health  # here: this module is the settings too, before there are models

    return health.livez(request)


def _readyz(request: HttpRequest) -> HttpResponse:
    from whatsflow import health

    return health.readyz(request)


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("home")


def echo(request: HttpRequest) -> HttpResponse:
    body = request.read()
    return HttpResponse(f"{request.method} {request.get_full_path()} {len(body)} {body[:20].decode()}")


def meta(request: HttpRequest) -> HttpResponse:
    return HttpResponse("\n".join(f"{key}={value}" for key, value in request.META.items() if key.isupper()))


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(open(os.environ["SITE_FILE"], "rb"), content_type="application/octet-stream")


streamed_on: list[set[int]] = []


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Endless with ?forever; remembers the threads it ran on."""
    threads: set[int] = set()
    streamed_on.append(threads)

    def chunks() -> Iterator[bytes]:
        count = 0
        while count < 50 or "forever" in request.GET:
            threads.add(threading.get_ident())
            yield b"x" * 1000
            count += 1

    return StreamingHttpResponse(chunks())


def slow(request: HttpRequest) -> HttpResponse:
    print("Taken up.", flush=True)
    time.sleep(float(request.GET["seconds"]))
    return HttpResponse("slow")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


urlpatterns = [
    path("", home),
    path("echo", echo),
    path("meta", meta),
    path("file", file),
    path("stream", stream),
    path("slow", slow),
    path("broken", broken),
    path("livez", _livez),
    path("readyz", _readyz),
]
