// Audits the accessibility of a page as it is now: node lighthouse.mjs INFRA PORT ADDRESS
//
// INFRA is the folder whose node_modules contains Lighthouse, PORT that of a browser's DevTools, ADDRESS that of the open page.
// Writes JSON: the score from 0 to 1, and the audits that failed.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [infra, port, address] = process.argv.slice(2);
const { resolve } = createRequire(`${infra}/package.json`);
const load = async (/** @type {string} */ name) => import(pathToFileURL(resolve(name)).href);

const { snapshot } = await load("lighthouse");
const puppeteer = await load("puppeteer-core");
const browser = await (puppeteer.default ?? puppeteer).connect({ browserURL: `http://127.0.0.1:${port}`, defaultViewport: null });
try {
  const page = (await browser.pages()).find((each) => each.url() === address);
  if (!page) throw new Error(`No page is open at ${address}.`);
  const { lhr } = await snapshot(page, {
    // The page stays as the test has prepared it.
    flags: { formFactor: "desktop", screenEmulation: { disabled: true }, throttlingMethod: "provided", onlyCategories: ["accessibility"] },
  });
  const { score, auditRefs } = lhr.categories.accessibility;
  const audits = auditRefs.filter(({ weight }) => weight > 0).map(({ id }) => lhr.audits[id]);
  const failed = audits.filter((audit) => audit.score !== null && audit.score < 1).map(({ id, details }) => ({ id, details }));
  const passed = audits.filter((audit) => audit.score === 1).length;
  process.stdout.write(JSON.stringify({ score, failed, passed, version: lhr.lighthouseVersion }));
} finally {
  await browser.disconnect();
}
