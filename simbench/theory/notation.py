"""The symbols that mean one thing in every claim, and those that each claim says anew; docs/notation.md explains them.

`simbench explain` prints the ones of `ALWAYS` that a claim's docstring uses. A symbol of `SEVERAL` has more than one
meaning in the literature, and in this catalogue: the docstring of a claim that states something about it defines it.
"""

import re

ALWAYS = {
    "s, a, b": "a prompt and responses to it",
    "rho": "law of prompts",
    "ref": "reference policy, log_ref in code",
    "pi": "policy",
    "beta": "temperature: the price of a nat of KL, in reward units",
    "r*": "true reward, in [0, R]",
    "r": "any reward",
    "rhat": "estimate of r*",
    "R": "bound on rewards",
    "KL": "divergence in nats, mean over prompts: KL(p||q) = E_rho sum_a p log(p/q)",
    "J": "value E_pi r* - beta KL(pi||ref)",
    "G": "Gibbs policy of a reward, G(r) = ref e^{r/beta}/Z_r",
    "pi*": "optimal policy G(r*)",
    "Cov": "coverage Cov(pi*|pi) = E_pi* [pi*/pi]",
    "P": "P(a > b) is the probability that a beats b, P(pi > pi') its mean over draws and prompts",
    "kappa": "kappa(x) = (x - 1)^2/(x - 1 - log x)",
    "gap": "value gap J(pi*) - J(pi), in reward units",
    "R_T": "regret: sum of the gaps of the policies of slot 1 over T rounds",
    "delta": "probability of failure",
}

SEVERAL = (
    *"ABCDFLMVWZcdfghmpvw",
    *(
        "alpha",
        "eta",
        "tau",
        "eps",
        "gamma",
        "lambda",
        "mu",
        "nu",
        "R'",
        "c_R",
        "C_eps",
        "C_cov",
        "Delta_min",
        "Delta_w",
    ),
    *(
        "b_w",
        "m_t",
        "pc",
        "pi_rlhf",
        "pi_OFF",
        "pi_m",
        "pibar",
        "pihat",
        "CS_n",
        "L_n",
        "NLL",
        "E_M",
        "Prof_M",
        "E_i",
        "V_T",
    ),
)


def spelled(symbol: str) -> "re.Pattern[str]":
    """Return the pattern of a symbol as a word of its own."""
    return re.compile(rf"(?<![\w*'`-]){re.escape(symbol)}(?![\w*'`])")


def used(docstring: str) -> list[tuple[str, str]]:
    """Return the (symbol, meaning) pairs of `ALWAYS` that a docstring uses, in their order."""
    expectations = re.sub(r"\b(E|Var)_(rho|ref|pi\*?)", r"\1 \2", docstring)
    found = []
    for symbols, meaning in ALWAYS.items():
        names = [symbol for symbol in symbols.split(", ") if symbol != "a"]  # which is English, too
        if any(spelled(symbol).search(expectations) for symbol in names):
            found.append((symbols, meaning))
    return found
