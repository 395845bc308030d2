"""Where a law gives way, and why. An entry that waives nothing any more fails a test, so that the list only shrinks."""

# Modules that read the real clock.
CLOCKS: dict[str, str] = {
    "mulligan.app.system": "the server's only real clock; everybody else is handed one",
    "mulligan.sdk.clock": "the worker's only real clock: the SDK may not know app",
}

# Modules that sleep.
SLEEPERS: dict[str, str] = {
    "mulligan.app.system": "the real clock's own sleep",
    "mulligan.sdk.clock": "the real clock's own sleep, on the worker's side",
}

# Modules that draw ids or random numbers.
DICE: dict[str, str] = {
    "mulligan.app.system": "the only real randomness; everybody else is handed ids",
}

# Test modules that sleep for real.
SLEEPING_TESTS: dict[str, str] = {
    "tests.simulation.test_loop": "sleeps on a loop whose time is a number",
}

# Modules that put SQL together.
SQL_BUILDERS: dict[str, str] = {
    "mulligan.stores.run_filter": "the one module that makes list filters, from a closed set of columns",
    "mulligan.stores.sqlite.dialect": "what run_filter says differently on SQLite",
}

# Statements that only one of the two databases needs, without the suffix.
ONE_SIDED_STATEMENTS: dict[str, str] = {
    "delete_dropped_span": "PostgreSQL drops partitions of its history",
    "delete_keys_of_span": "PostgreSQL drops partitions of its history",
    "delete_kept_results_of_span": "PostgreSQL drops partitions of its history",
    "delete_large_inputs": "PostgreSQL moves large values out of a row by itself",
    "delete_replays_of_span": "PostgreSQL drops partitions of its history",
    "drop_span": "PostgreSQL drops partitions of its history",
    "find_dropped_spans": "PostgreSQL drops partitions of its history",
    "find_routes_with_ready_steps": "PostgreSQL claims of all routes by one statement",
    "find_size_of_rest": "PostgreSQL drops partitions of its history",
    "find_span_end": "PostgreSQL drops partitions of its history",
    "find_span_holders": "PostgreSQL drops partitions of its history",
    "find_spans": "PostgreSQL drops partitions of its history",
    "insert_dropped_span": "PostgreSQL drops partitions of its history",
    "insert_large_inputs": "PostgreSQL moves large values out of a row by itself",
    "keep_span_out_of_rest": "PostgreSQL drops partitions of its history",
    "let_all_into_rest": "PostgreSQL drops partitions of its history",
    "lock_runs": "a SQLite database has one engine: nothing to lock",
    "make_span": "PostgreSQL drops partitions of its history",
    "tell_engines": "a SQLite database has one engine: nobody to tell",
}

# Functions above the hard limit, as `module:Class.method`.
LONG_FUNCTIONS: dict[str, str] = {}

# Modules above the limit of code lines.
LONG_FILES: dict[str, str] = {}
