"""Connections that stock Lava does not have."""
