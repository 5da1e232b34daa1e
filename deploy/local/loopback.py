"""HTTP to our own processes, never through a proxy."""

import json
import urllib.parse
import urllib.request
from typing import Any

TIMEOUT_S = 10
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str) -> bytes:
    with _opener.open(url, timeout=TIMEOUT_S) as answer:
        body: bytes = answer.read()
        return body


def post_form(url: str, form: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    return _post(url, urllib.parse.urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def post_json(url: str, body: dict[str, Any], token: str) -> Any:  # noqa: ANN401 - JSON
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return _post(url, json.dumps(body).encode(), headers)


def _post(url: str, body: bytes, headers: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - our own address
    with _opener.open(request, timeout=TIMEOUT_S) as answer:
        return json.loads(answer.read())
