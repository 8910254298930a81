"""Reading: tables, boundaries, facilities, population and roads. The only code that reads files."""
