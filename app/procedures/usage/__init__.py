"""What really happens in a procedure: how often each element and flow is used, and how long it takes."""
