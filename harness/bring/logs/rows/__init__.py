"""Files of logs to rows: packed or cut, lines, tables and documents, without holding a file."""
