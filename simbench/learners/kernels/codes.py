"""What the parts of a sentence are called inside the kernels: a number each, so that one loop serves every sentence."""

NOTHING, DRAWS, CALIBRATED = 0, 1, 2  # bonuses
LOGISTIC, SQUARED = 0, 1  # losses
EVERY, MARKS = 0, 1  # schedules
# Samplers, a stack machine.
OWN, REFERENCE, UNIFORM, TABLE, TEMPERATURE, MIXTURE, BEST_OF, WORST_OF = range(8)

Program = list[tuple[int, float]]  # a sampler: codes, each with its parameter
