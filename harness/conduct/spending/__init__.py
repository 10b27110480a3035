"""What logs say was spent, as pages and tables; and a made-up company to show it on."""
