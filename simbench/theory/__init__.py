"""The catalogue of claims: one file per paper, named by its cite key; every module here is loaded with it.

A claim is a short class: its docstring is the statement (assumptions, what is measured, controls), its code
the measured side and the theory side. `simbench claims` judges them; how to write one is told in
`simbench.verify`.
"""
