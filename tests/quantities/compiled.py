"""Every quantity of a (world, policy) pair in one compiled call, shared by the tests: compiling is what takes time."""

import jax

from simbench import quantities as q


def everything(bandit, policy):
    return {
        "value": q.value(bandit, policy),
        "value_gap": q.value_gap(bandit, policy),
        "reward_gap": q.reward_gap(bandit, policy),
        "expected_reward": q.expected_reward(bandit, policy),
        "optimal_value": q.optimal_value(bandit),
        "log_optimal": q.log_optimal(bandit),
        "optimal_attains": q.value(bandit, q.log_optimal(bandit)),
        "kl_ref": q.kl_ref(bandit, policy),
        "coverage": q.coverage(bandit, policy),
        "excess": q.coverage_excess(bandit, policy),
        "log_coverage": q.log_coverage(bandit, policy),
        "log_max": q.log_max_density_ratio(bandit, policy),
        "log_min": q.log_min_density_ratio(bandit, policy),
        "log_kappa_max": q.log_kappa(q.log_max_density_ratio(bandit, policy)),
        "log_kappa_min": q.log_kappa(q.log_min_density_ratio(bandit, policy)),
        "log_global": q.log_global_coverage(bandit),
    }


single = jax.jit(everything)
batched = jax.jit(jax.vmap(everything))
gibbs = jax.jit(lambda bandit, reward: (q.log_partition(bandit, reward), q.gibbs(bandit, reward)))
gibbs_batched = jax.jit(jax.vmap(q.gibbs))
