"""How new recordings differ from the old ones: shapes of JSON, compared."""
