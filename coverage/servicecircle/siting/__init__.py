"""Where to build next: exact models of siting, their candidates, targets and sequences."""
