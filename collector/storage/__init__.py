"""The database: each record once, in an SQLite file or on a PostgreSQL server."""
