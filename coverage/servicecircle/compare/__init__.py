"""What changed from one run to another: settings, indicators, units, facilities, people."""
