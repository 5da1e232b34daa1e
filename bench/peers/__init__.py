"""Other servers, measured with the same load on the same machine."""
