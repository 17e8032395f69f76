"""What the fixtures stand on: databases, a web server, a browser."""
