"""The gateway owns connections: authentication, partner access, rate limits, and the fan-out to sockets.

In come websocket frames and HTTP requests; they go out as commands to the services. In come replies, facts and events
on the gateway's own queue; they go out as frames. Live text goes from socket to socket without leaving the process. The
gateway holds no therapy data and may be killed at any time.
"""
