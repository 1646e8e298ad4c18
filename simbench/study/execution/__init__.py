"""Running a plan: units on workers, in what order, with what progress, at what cost."""
