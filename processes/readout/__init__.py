"""The integrating readout as a Lava Process."""
