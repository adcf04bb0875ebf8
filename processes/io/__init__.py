"""Sources and sinks that stream samples in and out of Lava."""
