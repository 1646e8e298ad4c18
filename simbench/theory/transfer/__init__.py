"""Transfer from imperfect rewards: TPO's theorems and experiments."""
