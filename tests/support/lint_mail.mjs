// Which features of these pages does which mail client not support, by the data of Can I email?
//
// Reads {clients, pages: {name: html}} and writes [[name, client, feature], ...], as JSON. The linter
// looks at what stands in a rule, but not in a rule of @media: each page is looked at once more with
// those laid open.
import { readFileSync } from "node:fs";
import { caniemail } from "caniemail";

const asked = JSON.parse(readFileSync(0, "utf8"));
const found = new Set();
for (const [name, page] of Object.entries(asked.pages)) {
  const open = page.replace(/@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}/g, "$1");
  for (const html of [page, open]) {
    const { issues } = caniemail({ clients: asked.clients, html });
    for (const [client, lacking] of issues.errors) {
      for (const { title } of lacking) found.add(JSON.stringify([name, client, title]));
    }
  }
}
process.stdout.write(`[${[...found].join(",")}]`);
