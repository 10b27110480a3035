"""The appendix of a document: everything a reviewer checks, table by table."""
