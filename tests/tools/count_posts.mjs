// What X's and Bluesky's own libraries say of every text on standard input, one JSON string a line; one line of JSON for
// each: its weight, its length in grapheme clusters, and the ranges (in bytes) of what is made clickable.
// Its argument is the folder of the packages.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.argv[2], "package.json"));
const twitter = require("twitter-text");
const { RichText } = await import(pathToFileURL(require.resolve("@atproto/api")));

const bytes = (text, from, to) => [from, to].map((at) => Buffer.byteLength(text.slice(0, at)));

for (const line of readFileSync(0, "utf8").split("\n")) {
  if (line === "") continue;
  const text = JSON.parse(line);
  const rich = new RichText({ text });
  rich.detectFacetsWithoutResolution();
  const facets = (rich.facets ?? []).flatMap(({ index, features }) => {
    const kind = features[0].$type.split("#")[1];
    return [{ kind, range: [index.byteStart, index.byteEnd], value: features[0].tag ?? features[0].uri ?? null }];
  });
  const tags = twitter.extractHashtagsWithIndices(text).map(({ indices }) => bytes(text, ...indices));
  console.log(JSON.stringify({ weight: twitter.parseTweet(text).weightedLength, graphemes: rich.graphemeLength, facets, tags }));
}
