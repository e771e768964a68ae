"""Render the OpenAPI document as one HTML page for people.

FastAPI's own page loads scripts and styles from a content delivery network. This page makes no request to a third party and
works under the Content-Security-Policy `default-src 'none'; style-src 'self'`.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
code { font-family: ui-monospace, monospace; }
section { border-top: 1px solid; margin-top: 1.5rem; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 1rem 0.2rem 0; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API</title>
<link rel="stylesheet" href="/api/docs.css">
</head>
<body>
<h1>{title}: API</h1>
<p>{description}</p>
<p>For programs: <a href="/api/openapi.json">OpenAPI</a>.</p>
{routes}
<h2 id="problems">Problems</h2>
<p>Every error is answered as <code>application/problem+json</code> (RFC 9457): type, title, status, detail, code.</p>
{problems}
<h2 id="objects">Objects</h2>
{objects}
</body>
</html>
"""


def render(openapi: dict[str, Any], codes: dict[str, tuple[int, str]]) -> str:
    """Return the HTML page.

    Args:
        openapi: the OpenAPI document.
        codes: code of each problem -> status and title; each code becomes the anchor that `Problem.type` links to.
    """
    operations = [
        _operation(path, method, operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]
    problems = [
        (f'<code id="{escape(code)}">{escape(code)}</code>', str(status), escape(title))
        for code, (status, title) in codes.items()
    ]
    schemas = openapi["components"]["schemas"].items()
    return _PAGE.format(
        title=escape(openapi["info"]["title"]),
        description=escape(openapi["info"]["description"]),
        routes="\n".join(operations),
        problems=_table(("Code", "Status", "Title"), problems),
        objects="\n".join(_schema(name, schema) for name, schema in schemas),
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    parameters = [
        (f"<code>{escape(item['name'])}</code>", _type(item["schema"]), escape(item.get("description", "")))
        for item in operation.get("parameters", ())
    ]
    content = operation.get("requestBody", {}).get("content", {})
    bodies = [
        (f"<code>{escape(kind)}</code>", escape(body["schema"].get("description", ""))) for kind, body in content.items()
    ]
    answers = [
        (
            escape(status),
            escape(answer["description"]),
            "; ".join(
                f"<code>{escape(kind)}</code> {_type(body['schema'])}" for kind, body in answer.get("content", {}).items()
            ),
        )
        for status, answer in operation["responses"].items()
    ]
    return (
        f"<section><h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
        f"<p>{escape(operation.get('description', operation.get('summary', '')))}</p>"
        + _table(("Parameter", "Type", "Meaning"), parameters)
        + _table(("Body", "Content"), bodies)
        + _table(("Status", "Meaning", "Answer"), answers)
        + "</section>"
    )


def _schema(name: str, schema: dict[str, Any]) -> str:
    rows = [
        (f"<code>{escape(member)}</code>", _type(item), escape(item.get("description", "")))
        for member, item in schema.get("properties", {}).items()
    ]
    return (
        f'<section id="object-{escape(name)}"><h3>{escape(name)}</h3><p>{escape(schema.get("description", ""))}</p>'
        + (_table(("Member", "Type", "Meaning"), rows) if rows else f"<p>{_type(schema)}</p>")
        + "</section>"
    )


def _type(schema: dict[str, Any]) -> str:
    """Return a short description of a JSON schema's type, as HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        text = f'<a href="#object-{name}">{name}</a>'
    elif "anyOf" in schema:
        text = " or ".join(_type(option) for option in schema["anyOf"])
    elif "enum" in schema:
        text = " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    elif "const" in schema:
        text = f"<code>{escape(str(schema['const']))}</code>"
    elif schema.get("type") == "array":
        text = f"list of {_type(schema.get('items', {}))}"
    else:
        text = escape(schema.get("type", "any"))
    return text + (f", default <code>{escape(str(schema['default']))}</code>" if schema.get("default") is not None else "")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table, or nothing without rows; the cells are HTML already."""
    if not rows:
        return ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    names = "".join(f"<th>{name}</th>" for name in head)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
