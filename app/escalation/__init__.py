"""What happens before and after a deadline: the ladder of each class and severity, as data with versions."""
