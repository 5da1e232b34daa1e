"""HTTP: partners' requests, the documents, and the page."""
