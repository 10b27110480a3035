"""Request logs -> traffic: what production asks, by hour of the week.

`traffic/*.csv` holds one row per feature, cohort and hour of the week, as totals over the weeks
that were watched. Its columns:

| column | meaning |
| --- | --- |
| feature | the feature's id |
| cohort | a named part of the users, or empty |
| weeks | whole weeks that the row adds up |
| hour | 0 to 167; 0 is Monday 00:00 to 01:00 UTC |
| requests | requests, without their retried calls |
| retries | calls beyond one a request |
| input_tokens | of all calls, tokens read from or written to a cache included |
| cached_tokens | the part that was read from a cache |
| cache_written_tokens | the part that was written to a cache |
| output_tokens | of all calls, reasoning included |

All 168 hours must be there: an hour without traffic says 0.
"""
