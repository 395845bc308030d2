"""The built dashboard, held as a dictionary from path to bytes: there is no path to escape from."""

from __future__ import annotations

import gzip
import hashlib
import html
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

BUILT = Path(__file__).parent / "static"
_TEXTS = ("text/", "application/javascript", "application/json", "application/manifest+json", "image/svg+xml")
_WORTH_IT = 1_000
_BASE = b'<base href="/"'
_NOT_BUILT = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Mulligan</title><base href="/">
<h1>Mulligan is running, but its dashboard has not been built</h1>
<p>From a checkout, run <code>make dashboard</code> and start again. A released package carries it.</p>
<p>The API is at <a href="api/v1/openapi.json">api/v1</a>.</p></html>"""


@dataclass(frozen=True, slots=True)
class Asset:
    """``packed`` is the gzip form, if that is smaller. ``lasting``: its name changes whenever its content does."""

    content_type: str
    body: bytes
    packed: bytes | None
    tag: str
    lasting: bool


class Dashboard:
    """``base_path``: the prefix that pages are told to count their addresses from."""

    def __init__(self, base_path: str, folder: Path = BUILT) -> None:
        base = _BASE.replace(b"/", html.escape(base_path, quote=True).encode(), 1)
        files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
        self._assets = {f"/{path.relative_to(folder).as_posix()}": _asset(path, folder) for path in files}
        page = self._assets.pop("/index.html", None)
        self.is_built = page is not None
        self._page = _made("text/html", (_NOT_BUILT if page is None else page.body).replace(_BASE, base, 1))

    async def serve(self, request: Request) -> Response:
        """A file of the dashboard; or its page, for every address that a browser asks for as a page."""
        path = request.url.path
        asset = self._assets.get(path)
        wants_page = "text/html" in request.headers.get("accept", "")
        if asset is None and (path == "/" or (wants_page and not path.startswith("/api/"))):
            asset = self._page
        if asset is None:
            raise HTTPException(404)
        return _response(asset, request)


def _asset(path: Path, folder: Path) -> Asset:
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _made(content_type, path.read_bytes(), lasting=path.relative_to(folder).parts[0] == "assets")


def _made(content_type: str, body: bytes, *, lasting: bool = False) -> Asset:
    is_text = content_type.startswith(_TEXTS)
    packed = gzip.compress(body, mtime=0) if is_text and len(body) > _WORTH_IT else None
    if is_text:
        content_type = f"{content_type}; charset=utf-8"
    return Asset(content_type, body, packed, f'"{hashlib.sha256(body).hexdigest()[:20]}"', lasting)


def _response(asset: Asset, request: Request) -> Response:
    headers = {
        "ETag": asset.tag,
        "Cache-Control": "public, max-age=31536000, immutable" if asset.lasting else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == asset.tag:
        return Response(status_code=304, headers=headers)
    body = asset.body
    if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = asset.packed
    return Response(body, headers={**headers, "Content-Type": asset.content_type})
