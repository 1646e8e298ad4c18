"""Every quantity is at hand as `simbench.quantities.<name>`."""

import inspect
from importlib import import_module
from pkgutil import walk_packages

from simbench import quantities

# What quantities are computed with, rather than quantities.
TOOLS = {
    "log_arithmetic": None,
    "expectation": {"over_prompts", "highest_prompt"},
    "divergence": {"kl_terms"},
}


def test_every_public_function_is_re_exported():
    for module in walk_packages(quantities.__path__, "simbench.quantities."):
        full = import_module(module.name)
        own = {
            name
            for name, thing in inspect.getmembers(full, callable)
            if not name.startswith("_") and thing.__module__ == full.__name__
        }
        tools = TOOLS.get(module.name.rpartition(".")[2], set())
        if tools is not None:
            assert own - tools <= set(quantities.__all__), module.name


def test_a_function_is_not_hidden_by_the_module_of_its_name():
    for name in quantities.__all__:
        assert not inspect.ismodule(getattr(quantities, name)), name
