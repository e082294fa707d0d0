"""/openapi.json and /docs: the document, and a page of it that needs no script and nothing from anywhere else."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from aipro_ml.api.rest.answers import tagged, unchanged

STYLE = """
:root{color-scheme:light dark;--ink:#1b2330;--soft:#5b6677;--line:#d9dee6;
--back:#fff;--card:#f6f8fa;--get:#0b6b3a;--post:#8a4b00}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa6b8;--line:#313a47;
--back:#12161c;--card:#1a2029;--get:#5fd39a;--post:#f0b060}}
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back)}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 5rem}h1{font-size:1.9rem;margin:0 0 .25rem}
h2{margin:2.5rem 0 .75rem;padding-bottom:.25rem;border-bottom:1px solid var(--line);text-transform:capitalize}
a{color:inherit}nav ul{columns:2;list-style:none;padding:0;margin:1rem 0}
nav a{text-decoration:none}nav a:hover{text-decoration:underline}
p{margin:.5rem 0}.soft,small{color:var(--soft)}code,pre{font:.85rem/1.45 ui-monospace,monospace}
section{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem 1.1rem;margin:1rem 0}
h3{margin:0;font:600 1rem/1.4 ui-monospace,monospace;overflow-wrap:anywhere}h4{margin:1rem 0 .25rem;font-size:.9rem}
.get{color:var(--get)}.post{color:var(--post)}table{border-collapse:collapse;width:100%;font-size:.9rem}
td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-top:1px solid var(--line)}
pre{background:var(--back);border:1px solid var(--line);border-radius:.35rem;padding:.75rem;
overflow:auto;max-height:24rem}
summary{cursor:pointer;margin-top:.75rem}@media(max-width:40rem){nav ul{columns:1}}
""".strip()

_SHA = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_SHA}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The page may use its own style and nothing else."""

Document = Mapping[str, Any]


def install_pages(app: FastAPI) -> None:
    """Serve the document and its page."""

    @lru_cache(maxsize=1)
    def made() -> tuple[bytes, str, str]:
        document = app.openapi()
        text = json.dumps(document, separators=(",", ":")).encode()
        return text, page_of(document), hashlib.sha256(text).hexdigest()[:32]

    async def openapi(request: Request) -> Response:
        text, _, tag = made()
        return tagged(request, text, tag)

    async def docs(request: Request) -> Response:
        _, page, tag = made()
        answer = unchanged(request, tag) or HTMLResponse(page)
        # on 304 too: a browser takes its headers for those of the page it kept, and a stricter policy would undress it
        answer.headers.update({"Content-Security-Policy": POLICY, "ETag": f'"{tag}"', "Cache-Control": "no-cache"})
        return answer

    async def root(request: Request) -> Response:  # noqa: ARG001 - Starlette gives it
        return RedirectResponse("/docs")

    for path, endpoint in (("/openapi.json", openapi), ("/docs", docs), ("/", root)):
        app.add_route(path, endpoint, include_in_schema=False)


def page_of(document: Document) -> str:
    """Return the HTML of an OpenAPI document."""
    info, groups = document["info"], _by_tag(document)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style></head><body><main>",
        f"<h1>{escape(info['title'])} API</h1><p class=soft>version {escape(info['version'])} · ",
        '<a href="/openapi.json">openapi.json</a></p>',
        *(f"<p>{_inline(paragraph)}</p>" for paragraph in info.get("description", "").split("\n\n")),
        "<nav><ul>",
        *(_link(method, path) for operations in groups.values() for method, path, _ in operations),
        "</ul></nav>",
    ]
    meanings = {tag["name"]: tag.get("description", "") for tag in document.get("tags", [])}
    for tag, operations in groups.items():
        parts.append(f'<h2 id="{escape(tag)}">{escape(tag)}</h2><p class=soft>{escape(meanings.get(tag, ""))}</p>')
        parts += [_operation(document, method, path, told) for method, path, told in operations]
    return "".join([*parts, "</main></body></html>"])


def _by_tag(document: Document) -> dict[str, list[tuple[str, str, Document]]]:
    groups: dict[str, list[tuple[str, str, Document]]] = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            groups.setdefault((told.get("tags") or ["other"])[0], []).append((method, path, told))
    return groups


def _link(method: str, path: str) -> str:
    words = f"<code class={method}>{method.upper()}</code> <code>{escape(path)}</code>"
    return f'<li><a href="#{_anchor(method, path)}">{words}</a></li>'


def _anchor(method: str, path: str) -> str:
    return method + path.replace("/", "-").replace("{", "").replace("}", "")


def _operation(document: Document, method: str, path: str, told: Document) -> str:
    head = f'<section id="{_anchor(method, path)}"><h3><span class={method}>{method.upper()}</span> {escape(path)}</h3>'
    return "".join(
        [
            head,
            f"<p>{_inline(told.get('description', ''))}</p>",
            f"<p class=soft>{_need(told)}</p>",
            _parameters(document, told.get("parameters", [])),
            _body(document, told.get("requestBody")),
            _responses(document, told["responses"]),
            "</section>",
        ]
    )


def _need(told: Document) -> str:
    if not told.get("security"):
        return "Needs no credential."
    permission = told.get("x-permission")
    return "Needs a caller." if permission is None else f"Needs <code>{escape(permission)}</code>."


def _parameters(document: Document, parameters: list[Document]) -> str:
    if not parameters:
        return ""
    rows = []
    for each in parameters:
        schema = each.get("schema", {})
        inner = next((part for part in schema.get("anyOf", []) if "description" in part), schema)
        meaning = each.get("description") or inner.get("description", "")
        default = schema.get("default")
        told = f" Default <code>{escape(json.dumps(default))}</code>." if default not in (None, []) else ""
        need = " (required)" if each.get("required") else ""
        rows.append(
            f"<tr><td><code>{escape(each['name'])}</code>{need}<br><small>{escape(each['in'])}</small></td>"
            f"<td><code>{escape(_type(document, schema))}</code></td><td>{_inline(meaning)}{told}</td></tr>"
        )
    return f"<h4>Parameters</h4><table>{''.join(rows)}</table>"


def _body(document: Document, body: Document | None) -> str:
    if body is None:
        return ""
    return "<h4>Body</h4>" + _example(document, body["content"]["application/json"]["schema"])


def _responses(document: Document, responses: Document) -> str:
    rows = "".join(
        f"<tr><td><code>{status}</code></td><td>{_inline(told['description'])}</td></tr>"
        for status, told in responses.items()
    )
    shown = next(_schemas(responses), None)
    sample = "" if shown is None else f"<details><summary>Example</summary>{_example(document, shown)}</details>"
    return f"<h4>Answers</h4><table>{rows}</table>{sample}"


def _schemas(responses: Document) -> Iterator[Document]:
    for status, told in responses.items():
        content = told.get("content", {}).get("application/json")
        if status.startswith("2") and content and content.get("schema"):
            yield content["schema"]


def _example(document: Document, schema: Document) -> str:
    found = _sample(document, schema)
    return f"<pre>{escape(json.dumps(found, indent=2, ensure_ascii=False))}</pre>"


def _resolved(document: Document, schema: Document) -> Document:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _sample(document: Document, schema: Document) -> Any:
    """Return an example of a schema: its own, or one put together of its parts'."""
    schema = _resolved(document, schema)
    if schema.get("examples"):
        return schema["examples"][0]
    if "anyOf" in schema:
        return _sample(document, schema["anyOf"][0])
    if schema.get("type") == "array":
        return [_sample(document, schema.get("items", {}))]
    if "properties" in schema:
        return {name: _sample(document, part) for name, part in schema["properties"].items()}
    return schema.get("default", schema.get("enum", [schema.get("type", "…")])[0])


def _type(document: Document, schema: Document) -> str:
    """Return in words what a value may be."""
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        return " or ".join(told for part in schema["anyOf"] if (told := _type(document, part)) != "null")
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"{_type(document, schema.get('items', {}))} …"
    return str(schema.get("format") or schema.get("type", ""))


def _inline(text: str) -> str:
    """Return text with its code between backquotes marked as such."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
