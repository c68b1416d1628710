bind = "0.0.0.0:8000"
keepalive = 5
