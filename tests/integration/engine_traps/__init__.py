"""What SpiffWorkflow 3.2.0 gets wrong, or what is easily got wrong with it, one test a trap."""
