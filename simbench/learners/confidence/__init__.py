"""What the data leave possible: version spaces, ellipsoids and worst rewards, each kernel beside its part."""
