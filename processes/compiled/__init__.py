"""A whole network as one Lava Process with one compiled ProcessModel."""
