"""Exact numbers of a world and a policy: every one has its single definition here.

Bare jax.numpy functions of ONE world and ONE log-policy `[S, A]`: vmap over runs to measure, differentiate
to hunt for counter-examples, interpret their jaxprs to prove. All arithmetic is float64; call them inside
`simbench.float64()`, or use `measure`, which opens it, validates, and returns NumPy.
"""

from simbench.quantities.coverages.coverability import coverability
from simbench.quantities.coverages.coverage import (
    coverage,
    coverage_excess,
    global_coverage,
    log_coverage,
    log_global_coverage,
    log_max_density_ratio,
    log_min_density_ratio,
    max_density_ratio,
    min_density_ratio,
)
from simbench.quantities.coverages.coverage_profile import coverage_profile
from simbench.quantities.coverages.excess_mass import excess_mass, total_variation
from simbench.quantities.coverages.linear_coverage import (
    feature_mean,
    linear_coverage,
    linear_coverage_by_root,
    reference_pair_covariance,
    reference_pair_root,
)
from simbench.quantities.coverages.local_coverage import (
    binary_kl,
    binary_kl_root,
    expected_kl_budgets,
    local_coverage,
    local_coverage_witness,
    log_local_coverage,
    log_tilt_coverage,
    rarest_response,
    tilt_budgets,
    tilt_coverage,
)
from simbench.quantities.coverages.overlap import overlap, overlap_bound
from simbench.quantities.expectation import expectation, expected_variance
from simbench.quantities.losses.dpo_loss import dpo_loss
from simbench.quantities.losses.ipo import ipo_loss, ipo_policy
from simbench.quantities.losses.optimism import calibrated, implicit_bonus, optimistic_value, preference_loss
from simbench.quantities.measure import (
    measure,
    measure_batch,
    measure_batches,
    measured_in,
    measured_names,
    require_measurable,
    without_givens,
)
from simbench.quantities.measured import MEASURED, Measured
from simbench.quantities.policies.best_of_n import best_of_n
from simbench.quantities.policies.divergence import chi_squared, kl, kl_ref
from simbench.quantities.policies.gibbs import gibbs, log_optimal, log_partition
from simbench.quantities.policies.rejection_sampling import rejection_sampling
from simbench.quantities.preferences.exploitability import (
    best_response,
    exploitability,
    exploitability_log_odds,
    exploitability_preference,
    log_odds_advantage,
    log_odds_payoff,
    preference_advantage,
    preference_payoff,
)
from simbench.quantities.preferences.win_rate import preference, response_win_rate, win_rate
from simbench.quantities.values.kappa import kappa, log_kappa
from simbench.quantities.values.largest_gap import largest_gap, largest_gap_among
from simbench.quantities.values.value import (
    argmax_gap,
    expected_reward,
    greedy_response,
    optimal_value,
    reward_gap,
    value,
    value_gap,
)

__all__ = [
    "MEASURED",
    "Measured",
    "argmax_gap",
    "best_of_n",
    "best_response",
    "binary_kl",
    "binary_kl_root",
    "calibrated",
    "chi_squared",
    "coverability",
    "coverage",
    "coverage_excess",
    "coverage_profile",
    "dpo_loss",
    "excess_mass",
    "expectation",
    "expected_kl_budgets",
    "expected_reward",
    "expected_variance",
    "exploitability",
    "exploitability_log_odds",
    "exploitability_preference",
    "feature_mean",
    "gibbs",
    "global_coverage",
    "greedy_response",
    "implicit_bonus",
    "ipo_loss",
    "ipo_policy",
    "kappa",
    "kl",
    "kl_ref",
    "largest_gap",
    "largest_gap_among",
    "linear_coverage",
    "linear_coverage_by_root",
    "local_coverage",
    "local_coverage_witness",
    "log_coverage",
    "log_global_coverage",
    "log_kappa",
    "log_local_coverage",
    "log_max_density_ratio",
    "log_min_density_ratio",
    "log_odds_advantage",
    "log_odds_payoff",
    "log_optimal",
    "log_partition",
    "log_tilt_coverage",
    "max_density_ratio",
    "measure",
    "measure_batch",
    "measure_batches",
    "measured_in",
    "measured_names",
    "min_density_ratio",
    "optimal_value",
    "optimistic_value",
    "overlap",
    "overlap_bound",
    "preference",
    "preference_advantage",
    "preference_loss",
    "preference_payoff",
    "rarest_response",
    "reference_pair_covariance",
    "reference_pair_root",
    "rejection_sampling",
    "require_measurable",
    "response_win_rate",
    "reward_gap",
    "tilt_budgets",
    "tilt_coverage",
    "total_variation",
    "value",
    "value_gap",
    "win_rate",
    "without_givens",
]
