"""Print the XLA flags that make compiling quicker, as far as this XLA knows them: `make test` and its kin set them.

Most of what the default tests take is compiling small programs once, so XLA is told to optimise little. An unknown flag
in XLA_FLAGS ends the process; as a compiler option it is an error, which tells. The long tests compile as users do.
"""

import jax

QUICK: dict[str, str | bool | int] = {
    "xla_backend_optimization_level": "0",
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}


def known(name: str, value: str | bool | int) -> bool:
    """Return whether XLA accepts the option."""
    try:
        jax.jit(lambda x: x + 1).lower(1.0).compile(compiler_options={name: value})
    except jax.errors.JaxRuntimeError:
        return False
    return True


if __name__ == "__main__":
    print(*(f"--{name}={str(value).lower()}" for name, value in QUICK.items() if known(name, value)))
