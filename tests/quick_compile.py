"""Print the XLA flags that make compiling quicker, as far as this XLA knows them: `make test` and its kin set them.

Most of what the default tests take is compiling small programs once, so XLA is told to optimise little. An unknown flag
in XLA_FLAGS ends the process; as a compiler option it is an error, which tells. The long tests compile as users do.
"""

import jax

from simbench.compiling import QUICK_COMPILE


def known(name: str, value: str | bool) -> bool:
    """Return whether XLA accepts the option."""
    try:
        jax.jit(lambda x: x + 1).lower(1.0).compile(compiler_options={name: value})
    except jax.errors.JaxRuntimeError:
        return False
    return True


if __name__ == "__main__":
    print(*(f"--{name}={str(value).lower()}" for name, value in QUICK_COMPILE.items() if known(name, value)))
