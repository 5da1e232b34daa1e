"""Access tokens for partners, connect tokens for participants: JWT (RFC 7519), HMAC-SHA256, each with its audience."""

from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime

import jwt
from pydantic import SecretStr, ValidationError

from shared.contracts.errors import Code, Refused
from shared.contracts.frames.values import Value
from shared.contracts.ids import Id, Role

ALGORITHM = "HS256"
PARTNER = "unsaid:partner"
CONNECT = "unsaid:connect"
ACCESS_TTL_S = 3600


class Access(Value):
    """Who a partner's request speaks for."""

    tenant: Id
    exp: int


class Connect(Value):
    """Who a connection speaks for; ``conversation`` None: all conversations of the participant."""

    tenant: Id
    sub: Id
    role: Role
    conversation: Id | None = None
    exp: int

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.exp, UTC)

    def covers(self, other: "Connect") -> bool:
        """Whether this token opens, for the same participant, all that the other one opens."""
        same = (self.tenant, self.sub, self.role) == (other.tenant, other.sub, other.role)
        return same and self.conversation in (None, other.conversation)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and checks tokens. Keys by ``kid``; the first one signs."""

    keys: dict[str, SecretStr]

    def _sign(self, claims: Value, audience: str, now: float) -> str:
        kid, secret = next(iter(self.keys.items()))
        payload = {**claims.model_dump(), "aud": audience, "iat": int(now)}
        return jwt.encode(payload, b64decode(secret.get_secret_value()), ALGORITHM, headers={"kid": kid})

    def access(self, tenant: str, now: float) -> str:
        return self._sign(Access(tenant=tenant, exp=int(now) + ACCESS_TTL_S), PARTNER, now)

    def connect(self, claims: Connect, now: float) -> str:
        return self._sign(claims, CONNECT, now)

    def _read(self, token: str, audience: str, now: float) -> dict[str, object]:
        try:
            secret = self.keys[jwt.get_unverified_header(token).get("kid", "")]
            key = b64decode(secret.get_secret_value())
            claims: dict[str, object] = jwt.decode(
                token,
                key,
                [ALGORITHM],
                audience=audience,
                options={"require": ["exp", "aud"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, KeyError, TypeError, UnicodeError):
            raise Refused(Code.UNAUTHORIZED) from None
        expires = claims.get("exp")
        if not isinstance(expires, int) or expires <= now:
            raise Refused(Code.UNAUTHORIZED)
        return claims

    def read_access(self, token: str, now: float) -> Access:
        """Raises `Refused` (``unauthorized``)."""
        try:
            return Access.model_validate(self._read(token, PARTNER, now))
        except ValidationError:
            raise Refused(Code.UNAUTHORIZED) from None

    def read_connect(self, token: str, now: float) -> Connect:
        """Raises `Refused` (``unauthorized``)."""
        try:
            return Connect.model_validate(self._read(token, CONNECT, now))
        except ValidationError:
            raise Refused(Code.UNAUTHORIZED) from None
