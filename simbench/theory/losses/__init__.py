"""Loss families: their minimisers in closed form."""
