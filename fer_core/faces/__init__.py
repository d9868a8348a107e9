"""Faces of one picture: the face mesh, and what is measured on it."""
