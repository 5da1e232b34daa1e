"""Transparency logs: Merkle trees (RFC 9162), signed notes, checkpoints, proofs (C2SP). Pure: bytes in, bytes out."""
