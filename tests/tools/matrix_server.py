"""A real Matrix homeserver (Synapse, SQLite) on loopback, with one account, a room, and an encrypted room.

    python matrix_server.py FOLDER PORT [limits]

Prints one line of JSON when it is ready. `restart` on standard input restarts the homeserver and prints another line;
the end of standard input ends it. With `limits`, Synapse's own rate limits stay on.
"""

import hashlib
import hmac
import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
url = f"http://127.0.0.1:{port}"
SECRET = "registration-of-tests"

settings = {
    "server_name": f"localhost:{port}",
    "public_baseurl": f"{url}/",
    "pid_file": str(folder / "pid"),
    "listeners": [
        {
            "port": port,
            "type": "http",
            "tls": False,
            "bind_addresses": ["127.0.0.1"],
            "resources": [{"names": ["client", "media"], "compress": False}],
        }
    ],
    "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
    "media_store_path": str(folder / "media"),
    "registration_shared_secret": SECRET,
    "macaroon_secret_key": "macaroons-of-tests",
    "form_secret": "forms-of-tests",
    "signing_key_path": str(folder / "signing.key"),
    "report_stats": False,
    "trusted_key_servers": [],
    "suppress_key_server_warning": True,
    "federation_domain_whitelist": [],
    "presence": {"enabled": False},
    "log_config": str(folder / "log.json"),
}
if "limits" not in sys.argv[3:]:
    much = {"per_second": 1000, "burst_count": 1000}
    settings |= {"rc_message": much, "rc_login": {"address": much, "account": much, "failed_attempts": much}}

# JSON is YAML, so nothing has to write YAML here.
folder.mkdir(parents=True, exist_ok=True)
config = folder / "homeserver.yaml"
config.write_text(json.dumps(settings))
log = {
    "version": 1,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": str(folder / "log")}},
    "root": {"level": "WARNING", "handlers": ["file"]},
    "disable_existing_loggers": False,
}
(folder / "log.json").write_text(json.dumps(log))
command = [sys.executable, "-m", "synapse.app.homeserver", "--config-path", str(config)]
subprocess.run([*command, "--generate-keys"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def call(method, path, body=None, token=None):
    request = urllib.request.Request(url + path, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def start():
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            call("GET", "/_matrix/client/versions")
            return server
        except (urllib.error.URLError, ConnectionError):
            if server.poll() is not None:
                break
            time.sleep(0.1)
    server.kill()
    sys.exit(f"the homeserver does not start; see {folder / 'log'}")


def stop(server):
    server.terminate()
    server.wait()


def log_in(device):
    identifier = {"type": "m.id.user", "user": "crieur"}
    body = {"type": "m.login.password", "identifier": identifier, "password": "secret", "device_id": device}
    return call("POST", "/_matrix/client/v3/login", body)["access_token"]


server = start()
nonce = call("GET", "/_synapse/admin/v1/register")["nonce"]
proof = hmac.new(SECRET.encode(), b"\0".join([nonce.encode(), b"crieur", b"secret", b"notadmin"]), hashlib.sha1)
account = {"nonce": nonce, "username": "crieur", "password": "secret", "admin": False, "mac": proof.hexdigest()}
call("POST", "/_synapse/admin/v1/register", account)
token, other = log_in("CRIEUR"), log_in("AUTRE")


def room(alias, **more):
    made = {"preset": "public_chat", "room_alias_name": alias, "name": alias, **more}
    return call("POST", "/_matrix/client/v3/createRoom", made, token)["room_id"]


algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
encrypted = room("secret", initial_state=[{"type": "m.room.encryption", "state_key": "", "content": algorithm}])
ready = {
    "url": url,
    "token": token,
    "other_token": other,
    "room": room("annonces"),
    "alias": f"#annonces:localhost:{port}",
    "encrypted_room": encrypted,
}
print(json.dumps(ready), flush=True)
try:
    for line in sys.stdin:
        if line.strip() == "restart":
            stop(server)
            server = start()
            print(json.dumps({"restarted": True}), flush=True)
finally:
    stop(server)
