// A real server of the AT Protocol (Bluesky's own PDS, SQLite) with a did:plc directory in memory, both on loopback, and
// one account with an app password.
//
//   node bluesky_server.mjs PACKAGES FOLDER PDS_PORT PLC_PORT
//
// Prints one line of JSON when it is ready, and ends when its standard input does.
import { createRequire } from "node:module";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";

const [packages, folder, port, plcPort] = process.argv.slice(2);
const require = createRequire(`${packages}/package.json`);
const url = `http://127.0.0.1:${port}`;

mkdirSync(`${folder}/blobs`, { recursive: true });
Object.assign(process.env, {
  LOG_ENABLED: "false",
  PDS_ADMIN_PASSWORD: randomBytes(12).toString("hex"),
  PDS_BLOBSTORE_DISK_LOCATION: `${folder}/blobs`,
  PDS_BSKY_APP_VIEW_DID: "did:web:localhost%3A9",
  PDS_BSKY_APP_VIEW_URL: "http://127.0.0.1:9",
  PDS_CRAWLERS: "",
  PDS_DATA_DIRECTORY: folder,
  PDS_DEV_MODE: "true",
  PDS_DID_PLC_URL: `http://127.0.0.1:${plcPort}`,
  PDS_HOSTNAME: "localhost",
  PDS_INVITE_REQUIRED: "false",
  PDS_JWT_SECRET: randomBytes(16).toString("hex"),
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: randomBytes(32).toString("hex"),
  PDS_PORT: port,
  PDS_RATE_LIMITS_ENABLED: "false",
  PDS_SERVICE_HANDLE_DOMAINS: ".test",
});

const { PlcServer, Database } = require("@did-plc/server");
const { PDS, envToCfg, envToSecrets, readEnv } = require("@atproto/pds");

// Both would listen on every address of the machine.
const onLoopback = (app) => {
  const listen = app.listen.bind(app);
  app.listen = (port, ready) => listen(port, "127.0.0.1", ready);
};

const call = async (method, body, token) => {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(`${url}/xrpc/${method}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};

const directory = PlcServer.create({ db: Database.mock(), port: Number(plcPort) });
onLoopback(directory.app);
await directory.start();
const environment = readEnv();
const server = await PDS.create(envToCfg(environment), envToSecrets(environment));
onLoopback(server.app);
await server.start();

const password = randomBytes(9).toString("hex");
const account = await call("com.atproto.server.createAccount", { handle: "crieur.test", email: "crieur@example.org", password });
const app = await call("com.atproto.server.createAppPassword", { name: "crieur" }, account.accessJwt);
console.log(JSON.stringify({ url, handle: account.handle, did: account.did, app_password: app.password, password }));

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
