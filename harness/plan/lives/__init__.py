"""What tests on the same cases share: their level, and what makes two of them the same."""
