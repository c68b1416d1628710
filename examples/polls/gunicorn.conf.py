bind = "0.0.0.0:8000"
workers = 2
worker_class = "gthread"
threads = 4
# Workers are replaced now and then, not both at once, so that what leaks does not add up. A worker of gunicorn 27 that
# leaves keeps its idle connections for 2 s more, which is longer than the edge does (1 s): no request is lost by it.
max_requests = 1000
max_requests_jitter = 100
# Longer than the edge keeps an idle connection (1 s), so that a request never meets a connection that is being closed.
keepalive = 5
graceful_timeout = 25
# The heartbeat file of the workers: in memory, where a slow disk cannot make a worker look dead.
worker_tmp_dir = "/dev/shm"
# Only the edge reaches this port.
forwarded_allow_ips = "*"
accesslog = "-"
