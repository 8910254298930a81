"""What people have: their units, their access, the coverage of units, presence."""
