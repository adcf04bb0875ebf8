"""Networks from and for other tools; one module for each."""
