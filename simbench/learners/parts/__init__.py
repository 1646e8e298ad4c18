"""The parts that learners are made of: function classes, losses, bonuses, samplers, schedules (see ../sentence.py)."""
