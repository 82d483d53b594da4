// Looks at pages of a server in a real browser, as people do: in both languages, light and dark, on a wide screen and on
// the narrowest one. Its arguments are the folder of the packages, the program of the browser and the server's address;
// standard input has one path a line. It prints what is wrong, a line each, and ends with 1 if anything is.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [packages, program, base] = process.argv.slice(2);
const require = createRequire(join(packages, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const paths = readFileSync(0, "utf8").split("\n").filter(Boolean);

let faults = 0;
const fault = (where, what) => {
  faults += 1;
  console.log(`${where}: ${what}`);
};

const browser = await chromium.launch({
  executablePath: program,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

// One page, seen by one person.
const look = async (path, { locale, colorScheme, width }) => {
  const where = `${path} (${locale}, ${colorScheme}, ${width} px)`;
  const context = await browser.newContext({ locale, colorScheme, viewport: { width, height: 800 } });
  const page = await context.newPage();
  page.on("console", (message) => {
    // A page that is not there is announced by the browser too.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      fault(where, `the console says: ${message.text()}`);
    }
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base)) fault(where, `asks elsewhere: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400 && response.url() !== base + path) fault(where, `${response.status()} ${response.url()}`);
  });
  await page.goto(base + path);
  // Who has no mouse comes to the content with one key, and sees where he is.
  await page.keyboard.press("Tab");
  const skip = await page.evaluate(() => {
    const { top, height } = document.activeElement.getBoundingClientRect();
    return document.activeElement.getAttribute("href") === "#main" && top >= 0 && height > 0;
  });
  if (!skip) fault(where, "the first key does not show the way to the content");
  // What is folded away is judged too.
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  const spill = await page.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth);
  if (spill > 0) fault(where, `scrolls sideways by ${spill} px`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ rules: { "target-size": { enabled: true } } }));
  for (const { id, help, nodes } of violations) {
    for (const node of nodes) fault(where, `${id}: ${help}: ${node.html}`);
  }
  await context.close();
};

const people = [
  { locale: "fr", colorScheme: "light", width: 1280 },
  { locale: "fr", colorScheme: "dark", width: 320 },
  { locale: "en", colorScheme: "dark", width: 1280 },
  { locale: "en", colorScheme: "light", width: 320 },
];
for (const path of paths) {
  for (const person of people) await look(path, person);
}

// The address of a document: a page in a window, the document for a script, and as it is behind `?raw`.
const context = await browser.newContext({ locale: "fr" });
const page = await context.newPage();
const opened = await page.goto(`${base}/feeds/all.rss`);
const kind = (response) => response.headers()["content-type"] ?? "";
if (!kind(opened).startsWith("text/html")) fault("/feeds/all.rss", `a window shows ${kind(opened)}`);
const alone = await context.newPage();
const fetched = await alone.evaluate(async (url) => (await fetch(url)).headers.get("content-type"), `${base}/feeds/all.rss`);
if (!fetched.startsWith("application/rss+xml")) fault("/feeds/all.rss", `a script gets ${fetched}`);

// A combination is chosen without a script, by keys alone.
const still = await browser.newContext({ locale: "fr", javaScriptEnabled: false });
const form = await still.newPage();
await form.goto(`${base}/feeds/choose`);
const boxes = form.locator("input[name=with]");
for (const at of [0, 1]) {
  await boxes.nth(at).focus();
  await form.keyboard.press("Space");
}
await form.locator("#how-all").focus();
await form.keyboard.press("Space");
await form.locator("button[name=go]").focus();
await form.keyboard.press("Enter");
await form.waitForURL((url) => url.pathname !== "/feeds/choose");
if (!/^\/feeds\/[a-z]+\/[^?]+$/.test(new URL(form.url()).pathname)) fault("/feeds/choose", `leads to ${form.url()}`);
const address = await form.locator("#address").inputValue();
if (!address.endsWith(".rss")) fault(form.url(), `shows the address ${address}`);

// On paper there is the address, and nothing to click.
await form.emulateMedia({ media: "print" });
if (!(await form.locator("#address").isVisible())) fault(form.url(), "the address is not printed");
if (await form.locator("header nav").isVisible()) fault(form.url(), "the menu is printed");

await browser.close();
process.exit(faults > 0 ? 1 : 0);
