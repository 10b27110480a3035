"""Money for others: records at other rates, and a cost export for finance's tools."""
