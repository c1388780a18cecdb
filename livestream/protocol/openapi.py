"""OpenAPI 3.1 of what is under /v1, from the operations that the server routes by."""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec

from .errors import ErrorCode as E
from .http import OPERATIONS, Operation, Problem, status_of

_REF = "#/components/schemas/{name}"
#: path parameters, with what they must look like
_PARAMETERS = {
    "room": (r"^[a-z0-9][a-z0-9_-]{0,63}$", "Id of a room."),
    "shop": (r"^[a-z0-9][a-z0-9_~-]{0,63}$", "Id of the shop, or of a rehearsal of it."),
    "deal": (r"^[0-9a-z]{13}$", "Id of a group buy."),
    "draw": (r"^[0-9a-f]{32}$", "Id of a draw."),
    "webhook": (r"^[A-Za-z0-9_]{1,64}$", "Id of a webhook."),
    "delivery": (r"^[A-Za-z0-9_]{1,64}$", "Id of a delivery."),
}
_COMMON = (E.INVALID, E.UNAVAILABLE, E.BUSY)
_SIGNED = (E.TOKEN_INVALID, E.TOKEN_EXPIRED, E.FORBIDDEN, E.RATE_LIMITED)


def openapi() -> str:
    """The document, JSON."""
    kinds: list[type] = [Problem]
    for operation in OPERATIONS:
        kinds += [each for each in (operation.body, operation.query, operation.answer) if each is not None]
    unique = list(dict.fromkeys(kinds))
    schemas, components = msgspec.json.schema_components(unique, ref_template=_REF)
    by_kind = dict(zip(unique, schemas, strict=True))
    for component in components.values():
        if "description" in component:
            component["description"] = inspect.cleandoc(component["description"])
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "livestream",
            "version": "1",
            "description": "The room over HTTP: the same commands as over the websocket, paged reads, shop"
            " administration, webhooks. Tokens are the shop's (JWT). A request with an `Idempotency-Key` may be"
            " sent again, unchanged, for 24 h: it has one effect and one answer.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(by_kind, components),
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def _paths(by_kind: dict[type, Any], components: dict[str, Any]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, by_kind, components)
    return paths


def _operation(operation: Operation, by_kind: dict[type, Any], components: dict[str, Any]) -> dict[str, Any]:
    who = "Anyone." if operation.roles is None else "Who: " + ", ".join(sorted(operation.roles)) + "."
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.text,
        "description": who,
        "tags": [operation.path.split("/")[2]],
        "parameters": _parameters(operation, components),
        "responses": _responses(operation, by_kind),
    }
    if operation.roles is not None:
        described["security"] = [{"token": []}]
    else:
        described["security"] = [{}, {"token": []}]
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": by_kind[operation.body]}},
        }
    return described


def _parameters(operation: Operation, components: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARAMETERS[name][1],
            "schema": {"type": "string", "pattern": _PARAMETERS[name][0]},
        }
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    if operation.query is not None:
        properties = components[operation.query.__name__]["properties"]
        found += [
            {"name": name, "in": "query", "required": False, "schema": _without_null(schema)}
            for name, schema in properties.items()
        ]
    if operation.keyed:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": operation.needs_key,
                "description": "The same key and body again has one effect and the same answer, for 24 h.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^[\x21-\x7e]+$"},
            }
        )
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is left out stands for null."""
    options = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    enum = [each for each in schema.get("enum", []) if each is not None]
    if options:
        return options[0] if len(options) == 1 else {"anyOf": options}
    if enum:
        return {"enum": enum}
    return {key: value for key, value in schema.items() if key != "default" or value is not None}


def _responses(operation: Operation, by_kind: dict[type, Any]) -> dict[str, Any]:
    done = {"application/json": {"schema": by_kind[operation.answer]}}
    if operation.file is not None:
        done = {operation.file: {"schema": {"type": "string"}}}
    responses: dict[str, Any] = {"200": {"description": "Done.", "content": done}}
    codes: dict[int, list[str]] = {}
    signed = _SIGNED if operation.roles is not None else (E.RATE_LIMITED,)
    keyed = (E.KEY_REUSED,) if operation.keyed else ()
    for code in dict.fromkeys((*_COMMON, *signed, *keyed, *operation.errors)):
        codes.setdefault(status_of(code), []).append(code.value)
    codes.setdefault(400, [])
    codes.setdefault(401, ["token_invalid"])
    codes.setdefault(404, ["not_found"])
    codes.setdefault(413, ["too_large"])
    codes.setdefault(415, ["unsupported_media_type"])
    for status, names in sorted(codes.items()):
        responses[str(status)] = {
            "description": "Refused: " + ", ".join(names) + ".",
            "content": {"application/json": {"schema": by_kind[Problem]}},
        }
    return responses


def in_words() -> str:
    """The operations as a chapter of the reference page, Markdown."""
    lines = ["## HTTP", ""]
    lines.append(
        "The same commands as `POST`, with the fields as a JSON object, the token as `Authorization: Bearer …` and the"
        " key as `Idempotency-Key`; paged reads; what only a shop's backend asks. The machine-readable document is"
        " `/docs/openapi.json` (OpenAPI 3.1), and `/docs` shows it. A refusal is"
        ' `{"error": {"code", "text", "temporary", "retry_after_ms"}}` with the status below.'
    )
    lines += ["", "| operation | who | what |", "| --- | --- | --- |"]
    for operation in OPERATIONS:
        who = "anyone" if operation.roles is None else ", ".join(sorted(operation.roles))
        lines.append(f"| `{operation.method} {operation.path}` | {who} | {operation.text} |")
    lines += ["", "| code | status |", "| --- | --- |"]
    lines += [f"| `{code}` | {status_of(code)} |" for code in E]
    return "\n".join(lines)
