"""Small worlds and label sets that the tests of the oracle share."""

import numpy as np

from simbench.bandit import Bandit
from tests.naive.objective import Data


def draw_world(seed: int, *, prompts: int = 3, responses: int = 4, beta: float = 0.5) -> Bandit:
    """A world with features (d = 3), three sources, a finite class of six; r* is its fifth member."""
    rng = np.random.default_rng(seed)
    shape = (prompts, responses)
    reward_class = rng.random((6, *shape))
    return Bandit(
        rho=rng.dirichlet(np.ones(prompts)),
        log_ref=np.log(rng.dirichlet(2 * np.ones(responses), size=prompts)),
        reward=reward_class[4],
        beta=beta,
        features=rng.normal(size=(*shape, 3)) / 2,
        sources=rng.random((3, *shape)),
        reward_class=reward_class,
    )


def draw_labels(world: Bandit, seed: int, count: int) -> list[tuple[int, int, int]]:
    """(prompt, winner, loser) of random pairs, self-pairs included, labelled by Bradley-Terry."""
    rng = np.random.default_rng(seed)
    S, A = world.log_ref.shape
    labels = []
    for _ in range(count):
        s, a, b = int(rng.integers(S)), int(rng.integers(A)), int(rng.integers(A))
        won = rng.random() < 1 / (1 + np.exp(world.reward[s, b] - world.reward[s, a]))
        labels.append((s, a, b) if won else (s, b, a))
    return labels


def data_of(world: Bandit, loss, extra, labels: list[tuple[int, int, int]]) -> Data:
    """The labels as a fit sees them; the loser stands for the slot-2 response."""
    extra.start(world)
    S, A = world.log_ref.shape
    wins = np.zeros((S, A, A))
    for s, winner, loser in labels:
        wins[s, winner, loser] += 1
        extra.observe(s, loser)
    c, m = extra.weights()
    return Data(loss=loss, wins=wins, c=c, m=m, log_ref=world.log_ref, beta=float(world.beta))
