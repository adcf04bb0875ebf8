"""Networks of AHP neurons out of Processes that Lava ships."""
