"""What a run writes: maps, tables, GeoPackage and the run record. Only this package writes results."""
