"""The arithmetic behind a value of a run: its addends, its rule, its verdict, and its sources."""
