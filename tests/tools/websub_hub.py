"""A hub that is not of our making: Flask-WebSub, whose work celery does in threads of this process.

    websub_hub.py DATABASE

Prints its port, and serves until its standard input ends.
"""
import sys
import threading

from celery import Celery
from flask import Flask
from flask_websub.hub import Hub, SQLite3HubStorage
from werkzeug.serving import make_server

app = Flask("hub")
app.config["PUBLISH_SUPPORTED"] = True
celery = Celery("hub", broker="memory://", backend="cache+memory://")
hub = Hub(SQLite3HubStorage(sys.argv[1]), celery, BACKOFF_BASE=0.5, REQUEST_TIMEOUT=10)
app.register_blueprint(hub.build_blueprint(url_prefix="/hub"))
# Celery would take standard output for its log.
celery.conf.worker_redirect_stdouts = False
worker = celery.Worker(
    pool="threads", concurrency=4, without_heartbeat=True, without_mingle=True, without_gossip=True, quiet=True, loglevel="WARNING"
)
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
threading.Thread(target=worker.start, daemon=True).start()
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
