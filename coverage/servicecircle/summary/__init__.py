"""What a command tells when it is done, in the words of a planner.

``told`` is what every command returns; ``run`` and ``check`` make it, ``problems`` tells what is
wrong with the inputs. Import from these modules.
"""

__all__: list[str] = []
