"""Docs: the OpenAPI document as a page and as JSON, and the reference of the whole protocol.

/docs                what can be asked over HTTP; to a program that asks for JSON, the document itself
/docs/openapi.json   the document
/docs/protocol       websockets too: every command, reply, push and error
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from html import escape
from typing import Any

from aiohttp import web
from markdown_it import MarkdownIt

_KEPT = {"Cache-Control": "no-cache", "Vary": "Accept"}


def routes() -> list[web.RouteDef]:
    return [
        web.get("/docs", _docs),
        web.get("/docs/openapi.json", _document),
        web.get("/docs/protocol", _protocol),
        web.get("/v1/openapi.json", _document),
    ]


async def _docs(request: web.Request) -> web.StreamResponse:
    if _wants_json(request.headers.get("Accept", "")):
        return await _document(request)
    return web.Response(text=_operations(), content_type="text/html", headers=_KEPT)


async def _document(request: web.Request) -> web.StreamResponse:
    return web.Response(text=_text("openapi.json"), content_type="application/json", headers=_KEPT)


async def _protocol(request: web.Request) -> web.StreamResponse:
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(_text("reference.md"))
    return web.Response(text=_page("Protocol", body), content_type="text/html")


def _wants_json(accept: str) -> bool:
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return "text/html" not in kinds and any(kind.endswith(("/json", "+json")) for kind in kinds)


@functools.cache
def _text(name: str) -> str:
    return importlib.resources.files("livestream.protocol").joinpath(name).read_text("utf-8")


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/assets/docs.css">'
        '<link rel="icon" href="/assets/icon.svg">'
        '<link rel="alternate" type="application/json" href="/docs/openapi.json" title="OpenAPI 3.1">'
        f"<main>{body}</main>"
    )


@functools.cache
def _operations() -> str:
    """Every operation of the document, with its parameters, bodies and answers."""
    document = json.loads(_text("openapi.json"))
    info = document["info"]
    parts = [
        f"<h1>{escape(info['title'])} over HTTP</h1><p>{_words(info['description'])}</p>",
        '<p>For programs: <a href="/docs/openapi.json">OpenAPI 3.1</a>. Websockets, codes and limits: <a'
        ' href="/docs/protocol">the protocol</a>.</p>',
    ]
    for path, methods in document["paths"].items():
        parts += [_operation(f"{method.upper()} {path}", each) for method, each in methods.items()]
    parts.append("<h2>Schemas</h2>")
    parts += [_schema(name, each) for name, each in sorted(document["components"]["schemas"].items())]
    return _page("HTTP", "\n".join(parts))


def _operation(title: str, each: dict[str, Any]) -> str:
    parts = [f'<h3 id="{escape(each["operationId"])}"><code>{escape(title)}</code></h3>']
    parts.append(f"<p>{_words(each['summary'])} {_words(each['description'])}</p>")
    rows = [
        (parameter["name"], f"{parameter['in']}{', required' if parameter['required'] else ''}", parameter["schema"])
        for parameter in each["parameters"]
    ]
    if "requestBody" in each:
        rows.append(("body", "JSON", each["requestBody"]["content"]["application/json"]["schema"]))
    for status, answer in each["responses"].items():
        rows += [(status, answer["description"], media["schema"]) for media in answer["content"].values()]
    return "".join(parts) + _table(rows)


def _schema(name: str, schema: dict[str, Any]) -> str:
    rows = [
        (field, "required" if field in schema.get("required", ()) else "", each)
        for field, each in schema.get("properties", {}).items()
    ]
    text = _words(schema.get("description", ""))
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{text}</p>{_table(rows)}'


def _table(rows: list[tuple[str, str, dict[str, Any]]]) -> str:
    lines = [f"<tr><td><code>{escape(name)}</code><td>{_words(text)}<td>{_kind(schema)}" for name, text, schema in rows]
    return f"<table>{''.join(lines)}</table>" if lines else ""


def _words(text: str) -> str:
    """Text of the document, in which code stands between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a cell: a link to what has a name, else its JSON."""
    if set(schema) == {"$ref"}:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    return f"<code>{escape(json.dumps(schema, ensure_ascii=False))}</code>" if schema else ""
