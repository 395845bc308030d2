"""The plain functions behind the table of ``endpoints``: shapes in, shapes out, no HTTP. Start reading in ``runs``."""
