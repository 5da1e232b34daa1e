"""Websocket frames to texts: fragments are joined (RFC 6455, 5.4), and what isn't a text of the protocol closes."""

from picows import WSFrame, WSMsgType

from services.gateway.errors import Closing
from services.gateway.handlers.arrivals import FRAME_BYTES
from shared.contracts.errors import Close

PROTOCOL_ERROR = 1002
NOT_UTF8 = 1007


class Texts:
    """The texts that come on one connection."""

    __slots__ = ("_bytes", "_parts")

    def __init__(self) -> None:
        self._parts: list[bytes] | None = None
        """The fragments of a text whose end hasn't come."""
        self._bytes = 0

    def take(self, frame: WSFrame) -> str | None:
        """The text that this frame completes; None: it is a control frame, or more is to come.

        Raises:
            Closing: 1002, 1007, 4400 (binary), 4413 (above the protocol's size).
        """
        kind = frame.msg_type
        if kind is WSMsgType.TEXT and frame.fin and self._parts is None and not frame.rsv1:
            if frame.payload_size > FRAME_BYTES:
                raise Closing(Close.TOO_BIG)
            try:
                return frame.get_payload_as_utf8_text()
            except UnicodeDecodeError:
                raise Closing(NOT_UTF8) from None
        return self._rarely(frame, kind)

    def _rarely(self, frame: WSFrame, kind: WSMsgType) -> str | None:
        if frame.rsv1 or frame.rsv2 or frame.rsv3:  # no extension was agreed on
            raise Closing(PROTOCOL_ERROR)
        if kind is WSMsgType.BINARY:
            raise Closing(Close.TOO_BIG if frame.payload_size > FRAME_BYTES else Close.BAD_DATA)
        if kind not in (WSMsgType.TEXT, WSMsgType.CONTINUATION):
            return None
        if (kind is WSMsgType.TEXT) != (self._parts is None):
            raise Closing(PROTOCOL_ERROR)
        self._bytes += frame.payload_size
        if self._bytes > FRAME_BYTES:
            raise Closing(Close.TOO_BIG)
        parts = self._parts or []
        parts.append(frame.get_payload_as_bytes())
        if not frame.fin:
            self._parts = parts
            return None
        self._parts, self._bytes = None, 0
        try:
            return b"".join(parts).decode()
        except UnicodeDecodeError:
            raise Closing(NOT_UTF8) from None
