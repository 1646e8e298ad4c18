"""Value, its gaps, and the function kappa that ties value to coverage."""
