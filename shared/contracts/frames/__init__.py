"""Websocket frames (protocol, section 2): what clients send, what the gateway sends, and the values both carry."""
