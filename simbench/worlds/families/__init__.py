"""Families of worlds, one file each: from an instance key to a world."""
