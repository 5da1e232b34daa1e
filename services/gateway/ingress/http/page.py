"""``GET /app/``: the built page, with headers that leave it nothing but itself."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from aiohttp import web

from shared.contracts.errors import Code, Refused

DIST = Path(__file__).parents[2] / "web" / "dist"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'{script}; style-src 'self'{style}; img-src 'self' data:; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".png": "image/png",
    ".ico": "image/x-icon",
}


def load(folder: Path = DIST) -> dict[str, tuple[str, bytes]]:
    """The page's files by path, with their content types; read once, so that nothing else can be asked for."""
    return {
        str(path.relative_to(folder)): (TYPES[path.suffix], path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in TYPES
    }


INLINE = {
    "script": re.compile(r"<script type=\"module\">(.*?)</script>", re.DOTALL),
    "style": re.compile(r"<style>(.*?)</style>", re.DOTALL),
}


def _hash(inside: str) -> str:
    return f"sha256-{b64encode(sha256(inside.encode()).digest()).decode()}"


class Page:
    """Serves the page's files. Names with a hash never change; ``index.html`` is asked for anew each time."""

    def __init__(self) -> None:
        self._files = load()

    @staticmethod
    def _headers(kind: str, body: bytes) -> dict[str, str]:
        """What is written into a page of one file is allowed by its hash, and nothing else."""
        text = body.decode() if kind == "text/html" else ""
        hashes = {tag: "".join(f" '{_hash(inside)}'" for inside in INLINE[tag].findall(text)) for tag in INLINE}
        policy = HEADERS["Content-Security-Policy"].format(**hashes)
        return {**HEADERS, "Content-Security-Policy": policy}

    async def serve(self, request: web.Request) -> web.Response:
        name = request.match_info["path"] or "index.html"
        found = self._files.get(name)
        if found is None:
            raise web.HTTPNotFound(text=str(Refused(Code.NOT_FOUND)))
        kind, body = found
        lasting = name.startswith("assets/")
        cache = "public, max-age=31536000, immutable" if lasting else "no-cache"
        charset = "utf-8" if kind.startswith("text/") else None
        return web.Response(
            body=body, content_type=kind, charset=charset, headers={**self._headers(kind, body), "Cache-Control": cache}
        )

    def routes(self) -> list[web.RouteDef]:
        async def to_page(_: web.Request) -> web.Response:
            raise web.HTTPFound("/app/")

        return [web.get("/app", to_page), web.get("/", to_page), web.get(r"/app/{path:.*}", self.serve)]
