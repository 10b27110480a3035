"""What the gate is given: the workspace, production's settings, the change, its evidence."""
