"""A small search service on loopback: an HTTP front to SQLite's full-text index, with a switch to take it down.

    python -m examples.outage.service            serve, until Ctrl-C
    python -m examples.outage.service up|down    turn the switch of a running service
    python -m examples.outage.service search tide

It is the outside world of the example: it knows nothing of workflows. While it is down every request is answered with
503, as a load balancer does whose machines are gone; only the page at ``/`` and the switch still work.
"""

from __future__ import annotations

import html
import json
import os
import re
import sqlite3
import sys
import threading
from contextlib import closing
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2

from examples.places import made

PORT = 8430
DOWN = "the search index is down for maintenance"

_TABLES = """
create virtual table if not exists passages using fts5(document unindexed, title, body, tokenize = 'porter unicode61');
create table if not exists switch (id integer primary key check (id = 1), up integer not null);
"""


def service_url() -> str:
    """Where the service is: at its usual port, unless ``SEARCH_URL`` says otherwise."""
    return os.environ.get("SEARCH_URL", f"http://127.0.0.1:{PORT}")


class SearchIndex:
    """Passages in a SQLite file, ranked by BM25. One connection for each call: they are few, and threads differ."""

    def __init__(self, file: Path, *, up: bool = True) -> None:
        self._file = file
        with closing(self._connection()) as connection, connection:
            connection.executescript(_TABLES)
            connection.execute("insert or ignore into switch values (1, ?)", (up,))

    @property
    def up(self) -> bool:
        with closing(self._connection()) as connection:
            return bool(connection.execute("select up from switch").fetchone()[0])

    @up.setter
    def up(self, up: bool) -> None:
        with closing(self._connection()) as connection, connection:
            connection.execute("update switch set up = ?", (up,))

    def put(self, document: str, title: str, passages: list[str]) -> None:
        """Index a document, in the place of what was known under its name: doing it twice changes nothing."""
        with closing(self._connection()) as connection, connection:
            connection.execute("delete from passages where document = ?", (document,))
            connection.executemany(
                "insert into passages values (?, ?, ?)", [(document, title, passage) for passage in passages]
            )

    def search(self, words: str) -> list[dict[str, str]]:
        # Each word in quotes: what people type shall not be read as SQLite's query language.
        query = " ".join(f'"{word}"' for word in re.findall(r"\w+", words))
        if not query:
            return []
        found = """select document, title, snippet(passages, 2, '', '', ' … ', 24) from passages
                   where passages match ? order by rank limit 10"""
        with closing(self._connection()) as connection:
            rows = connection.execute(found, (query,)).fetchall()
        return [{"document": document, "title": title, "passage": passage} for document, title, passage in rows]

    def documents(self) -> list[str]:
        with closing(self._connection()) as connection:
            return [row[0] for row in connection.execute("select distinct document from passages order by document")]

    def _connection(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=10)


class SearchService:
    """The index behind HTTP on a thread of its own. Use as a context manager; ``port=0`` takes a free one."""

    def __init__(self, index: SearchIndex, port: int = PORT) -> None:
        self.index = index
        handler = type("Handler", (_Handler,), {"index": index})
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError as error:
            raise OSError(
                f"the search service needs port {port}, and something else has it; stop that first"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="search-service", daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> SearchService:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    index: SearchIndex

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        words = parse_qs(address.query).get("q", [""])[0]
        match address.path:
            case "/":
                self._page(words)
            case "/status":
                self._answer({"up": self.index.up, "documents": self.index.documents()})
            case "/search" if self._is_up():
                self._answer(self.index.search(words))
            case "/search":
                pass
            case _:
                self._answer({"error": "there is no such page"}, HTTPStatus.NOT_FOUND)

    def do_PUT(self) -> None:
        body = self._body()
        if not self._is_up():
            return
        found = re.fullmatch(r"/documents/([^/]+)", urlsplit(self.path).path)
        if found is None:
            self._answer({"error": "use /documents/NAME"}, HTTPStatus.NOT_FOUND)
            return
        document: dict[str, Any] = json.loads(body)
        self.index.put(unquote(found[1]), document["title"], document["passages"])
        self._answer({"indexed": len(document["passages"])})

    def do_POST(self) -> None:
        self._body()
        switch = {"/up": True, "/down": False}.get(self.path)
        if switch is None:
            self._answer({"error": "use /up or /down"}, HTTPStatus.NOT_FOUND)
            return
        self.index.up = switch
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _is_up(self) -> bool:
        if self.index.up:
            return True
        self._answer({"error": DOWN}, HTTPStatus.SERVICE_UNAVAILABLE)
        return False

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, value: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(json.dumps(value, ensure_ascii=False).encode(), "application/json", status)

    def _page(self, words: str) -> None:
        self._send(_page(self.index, words).encode(), "text/html; charset=utf-8", HTTPStatus.OK)

    def _send(self, body: bytes, kind: str, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the terminal belongs to the demo."""


_STYLE = """:root{font:16px/1.5 system-ui,sans-serif;color-scheme:light dark} body{max-width:44rem;margin:3rem auto}
input,button{font:inherit;padding:.3rem .6rem} li{margin:.6rem 0} .up{color:#1a7f37} .down{color:#cf222e}"""


def _page(index: SearchIndex, words: str) -> str:
    up = index.up
    state = '<b class="up">up</b>' if up else f'<b class="down">down</b>: {DOWN}'
    switch = "down" if up else "up"
    label = "Take it down" if up else "Bring it back"
    found = index.search(words) if up else []
    results = "".join(
        f"<li><b>{html.escape(hit['title'])}</b> ({html.escape(hit['document'])})<br>{html.escape(hit['passage'])}</li>"
        for hit in found
    )
    documents = ", ".join(html.escape(name) for name in index.documents()) or "none yet"
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Search service</title><style>{_STYLE}</style>
<h1>Search service</h1>
<form method="post" action="/{switch}"><p>The service is {state} <button>{label}</button></p></form>
<form><p><label>Search <input name="q" value="{html.escape(words)}" autofocus></label> <button>Find</button></p></form>
<ul>{results or ("<li>nothing found</li>" if words and up else "")}</ul>
<p>Indexed documents: {documents}.</p></html>"""


def main(arguments: list[str]) -> None:
    try:
        _main(arguments, service_url())
    except httpx2.ConnectError:
        sys.exit(f"No search service runs at {service_url()}. Start the demo, or this module without arguments.")
    except (httpx2.HTTPStatusError, OSError) as error:
        sys.exit(str(error))


def _main(arguments: list[str], url: str) -> None:
    match arguments:
        case []:
            with SearchService(SearchIndex(made() / "search.db")) as service:
                print(f"search service on {service.url}, Ctrl-C stops it")
                try:
                    threading.Event().wait()
                except KeyboardInterrupt:
                    print("stopped")
        case ["up" | "down" as switch]:
            httpx2.post(f"{url}/{switch}", follow_redirects=True).raise_for_status()
            print(f"the search service is {switch}")
        case ["search", *words]:
            for hit in httpx2.get(f"{url}/search", params={"q": " ".join(words)}).raise_for_status().json():
                print(f"{hit['title']} ({hit['document']})\n  {hit['passage']}")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
