"""What a team has already, brought into a workspace."""
