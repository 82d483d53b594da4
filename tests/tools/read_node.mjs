// Reads every file named on standard input with feedsmith and with rss-parser; one line of JSON for each and file.
// Its argument is the folder of the packages.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "package.json"));
const { parseFeed } = require("feedsmith");
const Parser = require("rss-parser");

const seconds = (text) => {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new Error(`no date: ${text}`);
  return Math.floor(at / 1000);
};

const smith = (text) => {
  const { format, feed } = parseFeed(text);
  switch (format) {
    case "rss":
      return (feed.items ?? []).map((item) => ({
        id: item.guid?.value,
        title: item.title ?? "",
        url: item.link,
        published: seconds(item.pubDate),
      }));
    case "atom":
      return (feed.entries ?? []).map((entry) => ({
        id: entry.id,
        title: entry.title?.value ?? entry.title ?? "",
        url: entry.links.find((link) => (link.rel ?? "alternate") === "alternate")?.href,
        published: seconds(entry.published),
      }));
    case "json":
      return (feed.items ?? []).map((item) => ({
        id: item.id,
        title: item.title ?? "",
        url: item.url,
        published: seconds(item.date_published),
      }));
    default:
      throw new Error(`no feed: ${format}`);
  }
};

const parser = new Parser();
const plain = async (text) =>
  (await parser.parseString(text)).items.map((item) => ({
    id: item.guid ?? item.id,
    title: item.title ?? "",
    url: item.link,
    published: seconds(item.isoDate ?? item.pubDate),
  }));

for (const file of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const text = readFileSync(file, "utf8");
  try {
    console.log(JSON.stringify({ reader: "feedsmith", file, items: smith(text) }));
    if (!file.endsWith(".json")) {
      console.log(JSON.stringify({ reader: "rss-parser", file, items: await plain(text) }));
    }
  } catch (error) {
    console.error(`${file}: ${error.stack}`);
    process.exitCode = 1;
  }
}
