"""The one door to Ray: workers that run async handlers, wherever they are."""
