"""What is added to the loss: optimism (XPO, VPO) or pessimism (RPO), as two arrays that labels fill.

    extra(r) = sum_{s,a} c[s,a] r[s,a] - sum_s m[s] beta log Z_r(s),          m[s] = sum_a c[s,a]

    XPO(alpha)   alpha sum_i log G(r)(b_i|s_i), up to a constant: log G(r) = log ref + r/beta - log Z, so a
                 label whose slot-2 response is b adds alpha/beta to m[s] and to c[s,b], self-pairs too
    VPO(alpha)   -(alpha/beta) (beta log Z_r(s) - E_cal r), once per label, or once with weight rho[s]
    RPO(eta)     +eta (beta log Z_r(s) - E_ref r), once per label: pessimism

`weights()` returns (c `[S, A]`, m `[S]`), computed from counts, so no rounding accumulates.
"""

import numpy as np


class NoExtra:
    def start(self, world) -> None:
        self.world = world
        self.labels = np.zeros(len(world.rho))  # [S] labels seen at each prompt
        self.seconds = np.zeros(world.log_ref.shape)  # [S, A] how often slot 2 drew each response

    def observe(self, prompt: int, second: int) -> None:
        self.labels[prompt] += 1
        self.seconds[prompt, second] += 1

    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros_like(self.seconds), np.zeros_like(self.labels)


class XPO(NoExtra):
    def __init__(self, alpha: float):
        self.alpha = alpha

    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        scale = self.alpha / float(self.world.beta)
        return scale * self.seconds, scale * self.labels


class VPO(NoExtra):
    def __init__(self, alpha: float, *, weight: str = "per_label", calibration: np.ndarray | None = None):
        if weight not in ("per_label", "constant"):
            raise ValueError(f"weight is {weight!r}; it is 'per_label' or 'constant'.")
        self.alpha, self.weight, self.calibration = alpha, weight, calibration  # [S, A] rows sum to 1

    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        calibration = np.exp(self.world.log_ref) if self.calibration is None else self.calibration
        times = self.labels if self.weight == "per_label" else self.world.rho
        m = self.alpha / float(self.world.beta) * times
        return m[:, None] * calibration, m


class RPO(NoExtra):
    def __init__(self, eta: float):
        self.eta = eta

    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        m = -self.eta * self.labels
        return m[:, None] * np.exp(self.world.log_ref), m
