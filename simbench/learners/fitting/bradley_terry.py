"""Regularised Bradley-Terry maximum likelihood on one prompt's win counts, solved by damped Newton.

    minimise   L(r) = - sum_{a,b} wins[a, b] log sigmoid(r_a - r_b) + (ridge / 2) ||r||^2      over r in R^A

With n = wins + wins', p_ab = sigmoid(r_a - r_b):

    gradient   g_a  = sum_b (wins_ba p_ab - wins_ab p_ba) + ridge r_a      (not n p - wins: it cancels when p -> 1)
    Hessian    H    = diag(sum_b n_ab p_ab p_ba) - [n_ab p_ab p_ba] + ridge I
    step       d    = -H^{-1} g,     decrement  lambda^2 = g' H^{-1} g,     h = max d - min d

**Convergence.** Along d the Hessian changes by a factor of at most e^{+-h}, because |sigmoid''| <= sigmoid'. Hence a
full step leaves the decrement at most

    lambda_+ <= e^{h/2} ((e^h - 1 - h) / h) lambda  <=  0.62 h lambda            for h <= 1/4,

and the step length log(1 + h)/h never overshoots for larger h. So steps are damped by log(1 + h)/h while h > 1/4 and
full below; plain Newton at a small ridge diverges.

**Stopping rule**, the same in both dialects. The next centred step d_+ obeys max|d_+| <= lambda_+ sqrt(K) for any bound
K >= max_a (H_+^{-1})_aa - 1 / (A ridge), the inverse without its direction of constants; 1 / ridge always is one. The
fit stops once a full step was taken after which this certifies

    max|d_+|  <=  0.62 h lambda sqrt(K)  <=  1e-12 (1 + max|r|),

that is, a Newton step below 1e-12 per unit of parameter without computing it; or when the step itself was below that.
The numba dialect follows a full step of range h <= 1/16 by one with the *same* factorisation, c = -H^{-1} g(r + d)
of range h_c and H-norm lambda_c, which needs no new Hessian and leaves lambda_+ <= 1.2 (h + h_c) lambda_c as long as
h + h_c <= 1/8. It also keeps a smaller K from label to label: data only add to H, and a step of range h changes it by a
factor of at most e^h, so K <- e^h K stays a bound; now and then it is computed afresh from the factorisation.
(A ridge of 1e-3 and 1e5 labels leave rounding of about 1e-12 in a step; the certificate does not have to see it.)

**What rounding takes.** Where rewards are held together by the ridge and a few labels alone — a response that never
lost, groups that were hardly compared — the net flow between groups is a small difference of large flows. Summed in
float64 it is wrong by about u A max_a H_aa, u = 2^-53, and the minimiser by K times that: 1e-8 at a ridge of 1e-9,
while steps never fall below 1e-12. So when

    u A max_a D_a K  >  1e-10 (1 + max|r|),            D the pivots of H = L D L', A max_a D_a >= max_a H_aa,

or no step has met the rule, the fit goes on with *exact flows*: a pair's flow is one number used with both signs, sums
carry what their additions lose, and the elimination adds pivots of positive terms and subtracts nothing. What one
response gains others then lose to the last bit, and a step below 1e-12 per unit of parameter is reached at every ridge
that is allowed. (K is taken for 1 / ridge where its own digits are in doubt, and in the JAX dialect.)

The optimum is centred (the ridge's gradient sums to zero), and so is every step: rounding in the direction of
constants, which only the ridge damps, would otherwise be amplified by 1 / ridge. Self-comparisons (a = b) are labels
without information and drop out.

Sources: Bradley and Terry (1952); self-concordance of the logistic loss: Bach (2010); exact flows: Knuth's two-sum and
the elimination of Grassmann, Taksar and Heyman (1985); the constants: simbench.
"""

TOLERANCE = 1e-12  # of a step, per unit of parameter
FULL_STEP = 0.25  # the largest range h of an undamped step
CONTRACTION = 0.62  # e^{h/2} (e^h - 1 - h) / h^2 at h = 1/4 is 0.617
CHORD_STEP = 0.0625  # the largest range of a step whose factorisation is used once more
CHORD_CONTRACTION = 1.2  # e^{x/2} (e^x - 1) / x at x = 1/8 is 1.134
REFRESH = 16  # fits between two computations of K, each as dear as a factorisation
MAX_STEPS = 200
QUICK_STEPS = 24  # after which a fit that rounding disturbs goes on with exact flows
EPSILON = 2.0**-53  # u
NOISE = 1e-10  # of a minimiser, per unit of parameter, that rounding may make
UNTOLD = 1e-3  # u A max D / ridge, from which on a K computed from a factorisation is not believed
WIDEST = 600.0  # range of rewards whose exponentials share one scale without underflow
