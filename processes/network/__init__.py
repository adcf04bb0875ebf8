"""A whole network as a Lava Process."""
