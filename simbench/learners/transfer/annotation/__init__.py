"""How empirical TPO gathers and uses its data: arms, the responses of a prompt, pairs, and the fit to them."""
