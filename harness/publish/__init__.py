"""Records to what people read: documents, the portfolio's index, its CSV."""

from harness.publish.pages import PublishReport, publish

__all__ = ["PublishReport", "publish"]
