// Fails when the first view of the runs page needs more JavaScript than it may: `npm run build` ends with it.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 200;
const built = new URL("../../src/mulligan/server/static/", import.meta.url);
const page = readFileSync(new URL("index.html", built), "utf8");
const files = [...page.matchAll(/(?:src|href)="\.\/([^"]+\.js)"/g)].map((match) => match[1]);
const sizes = files.map((file) => gzipSync(readFileSync(new URL(file, built))).length);
const total = sizes.reduce((sum, size) => sum + size, 0) / 1000;

console.log(`first view: ${total.toFixed(1)} kB of JavaScript, gzip, in ${files.length} files (limit ${LIMIT_KB} kB)`);
if (total > LIMIT_KB) {
  console.error("Load what the first view does not show with lazy() or import().");
  process.exit(1);
}
