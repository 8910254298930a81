"""What a run writes: maps, tables, GeoPackage, run record; only this package writes results."""
