"""Out of the gateway: frames to sockets, commands to services, state to other gateways."""
