"""Into the gateway: websocket frames, partners' requests, and what the services tell. Bytes become typed here."""
