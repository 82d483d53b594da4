"""A subscriber that is not of our making: Flask-WebSub, which finds the hub of a feed as the Recommendation says.

    websub_subscriber.py FOLDER

Prints its port, and serves until its standard input ends. `GET /subscribe?url=…` finds and asks a hub, and answers with the
name of the callback; `GET /renew?callback=…` and `/unsubscribe?callback=…` ask again; `GET /events` tells what happened.
"""
import hashlib
import json
import os
import sys
import threading

import flask_websub.subscriber as websub
from flask import Flask, request
from werkzeug.serving import make_server

# Its own rule, that a secret goes to a hub by https only, is right; here both stand on this machine.
websub.is_secure = lambda url: True

app = Flask("subscriber")
path = os.path.join(sys.argv[1], "subscriber.sqlite3")
subscriber = websub.Subscriber(
    websub.SQLite3SubscriberStorage(path), websub.SQLite3TempSubscriberStorage(path), REQUEST_TIMEOUT=10
)
app.register_blueprint(subscriber.build_blueprint(url_prefix="/callbacks"))
events = []


@subscriber.add_success_handler
def on_success(topic, callback, mode):
    events.append({"what": mode, "topic": topic, "callback": callback})


@subscriber.add_error_handler
def on_error(topic, callback, reason):
    events.append({"what": "error", "topic": topic, "callback": callback, "reason": reason})


@subscriber.add_listener
def on_news(topic, callback, body):
    # Flask-WebSub calls this only if the signature is right.
    digest = hashlib.sha256(body).hexdigest()
    is_signed = request.headers.get("X-Hub-Signature", "").partition("=")[0]
    events.append(
        {"what": "news", "topic": topic, "callback": callback, "sha256": digest, "signed": is_signed, "type": request.content_type}
    )


@app.route("/subscribe")
def subscribe():
    found = websub.discover(request.args["url"], timeout=10)
    return subscriber.subscribe(**found)


@app.route("/renew")
def renew():
    return subscriber.renew(request.args["callback"])


@app.route("/unsubscribe")
def unsubscribe():
    subscriber.unsubscribe(request.args["callback"])
    return "asked"


@app.route("/events")
def tell():
    return json.dumps(events)


server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
