"""What the gateway does with frames, requests and what the services tell."""
