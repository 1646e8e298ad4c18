"""Identities, inequalities and concentration that the theorems of papers are made of."""
