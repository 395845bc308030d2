from tests.postgres import empty_postgres, postgres_database, postgres_server

__all__ = ["empty_postgres", "postgres_database", "postgres_server"]
