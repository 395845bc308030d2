-- Spans whose tables are gone, until what lay beside them is, too (partitions.py): an engine may be killed between.
CREATE TABLE dropped_spans (
    name text COLLATE "C" PRIMARY KEY,
    least text COLLATE "C" NOT NULL,
    next text COLLATE "C" NOT NULL
);
