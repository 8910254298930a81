"""Standards: what plans ask for, as data, and the verdicts on it.

``registry`` names layers, levels, scopes and quantities; ``indicators`` reads plan files into the
records of ``plan``; ``evidence`` is what an evaluation needs; ``kinds`` measures; ``verdicts``
judges, ``evaluate`` does so for a plan, ``scorecard`` holds the rows. Import from these modules:
they load pandas, this package does not.
"""

__all__: list[str] = []
