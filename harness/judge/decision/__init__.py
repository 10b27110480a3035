"""Evidence + policy -> verdict. Pure."""
